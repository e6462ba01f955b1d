// What users of the AWS SDK for Go v2 do: `squorum-go-client NAME` uses a queue NAME and a queue NAME.fifo,
// and prints what it saw as one JSON object.
//
//	export ENDPOINT=http://localhost:9324
//	export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_REGION=us-east-1
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

const body = "grüße ✓ <&> \"quoted\"\r\nsecond line"

type tour struct {
	sqs    *sqs.Client
	saw    map[string]any
	errors map[string]string
	ctx    context.Context
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	loaded := must(config.LoadDefaultConfig(ctx))
	// Later versions read AWS_ENDPOINT_URL themselves.
	endpoint := sqs.EndpointResolverFromURL(os.Getenv("ENDPOINT"))
	client := sqs.NewFromConfig(loaded, sqs.WithEndpointResolver(endpoint))
	t := tour{client, map[string]any{}, map[string]string{}, ctx}
	t.saw["client"] = "aws-sdk-go-v2 " + aws.SDKVersion
	t.saw["errors"] = t.errors

	name := os.Args[1]
	url := t.create(name)
	t.send(url)
	messages := t.receive(url)
	t.change(url, messages)
	t.delete(url, messages)
	t.waitPurgeAndSet(url)
	fifo := t.useFifo(name + ".fifo")
	for _, created := range []*string{url, fifo} {
		must(t.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: created}))
	}
	_, err := t.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	t.errors["deleted"] = codeOf(err)
	fmt.Println(string(must(json.Marshal(t.saw))))
}

func (t tour) create(name string) *string {
	asked := &sqs.CreateQueueInput{
		QueueName:  &name,
		Attributes: map[string]string{"VisibilityTimeout": "30"},
		Tags:       map[string]string{"team": "a b"},
	}
	created := must(t.sqs.CreateQueue(t.ctx, asked)).QueueUrl
	again := must(t.sqs.CreateQueue(t.ctx, asked)).QueueUrl
	found := must(t.sqs.GetQueueUrl(t.ctx, &sqs.GetQueueUrlInput{QueueName: &name})).QueueUrl
	listed := must(t.sqs.ListQueues(t.ctx, &sqs.ListQueuesInput{QueueNamePrefix: &name}))
	distinct := map[string]bool{*created: true, *again: true, *found: true}
	for _, url := range listed.QueueUrls {
		distinct[url] = true
	}
	urls := []string{}
	for url := range distinct {
		urls = append(urls, url)
	}
	t.saw["urls"] = sorted(urls)
	tags := must(t.sqs.ListQueueTags(t.ctx, &sqs.ListQueueTagsInput{QueueUrl: created}))
	t.saw["tags"] = tags.Tags
	missing := &sqs.GetQueueUrlInput{QueueName: aws.String(name + "-missing")}
	_, err := t.sqs.GetQueueUrl(t.ctx, missing)
	var typed *types.QueueDoesNotExist
	if !errors.As(err, &typed) {
		panic(fmt.Sprintf("not of its type: %v", err))
	}
	t.errors["missing"] = codeOf(err)
	return created
}

// The SDK itself compares the MD5 of what was sent with that of the answer.
func (t tour) send(url *string) {
	value := func(kind, text string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &kind, StringValue: &text}
	}
	blob := types.MessageAttributeValue{
		DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 2, 255},
	}
	must(t.sqs.SendMessage(t.ctx, &sqs.SendMessageInput{
		QueueUrl:    url,
		MessageBody: aws.String(body),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"colour": value("String", "blue"), "count": value("Number.int", "3"), "blob": blob,
		},
	}))
	answer := must(t.sqs.SendMessageBatch(t.ctx, &sqs.SendMessageBatchInput{
		QueueUrl: url,
		Entries: []types.SendMessageBatchRequestEntry{
			{Id: aws.String("a"), MessageBody: aws.String("first of the batch")},
			{Id: aws.String("b"), MessageBody: aws.String("second of the batch")},
			{Id: aws.String("late"), MessageBody: aws.String("late"), DelaySeconds: 901},
		},
	}))
	sent := []string{}
	for _, entry := range answer.Successful {
		sent = append(sent, *entry.Id)
	}
	t.saw["sent"] = sorted(sent)
	t.saw["not_sent"] = codes(answer.Failed)
	late := &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("x"), DelaySeconds: 901}
	_, err := t.sqs.SendMessage(t.ctx, late)
	t.errors["delay"] = codeOf(err)
	t.saw["counters"] = t.counters(url)
}

// Long polls until all three are there: one answer need not hold all that the queue has.
func (t tour) receive(url *string) []types.Message {
	messages := t.receiveThree(url)
	received := map[string]any{}
	for _, message := range messages {
		found := map[string][]string{}
		for name, value := range message.MessageAttributes {
			content := hex.EncodeToString(value.BinaryValue)
			if value.StringValue != nil {
				content = *value.StringValue
			}
			found[name] = []string{*value.DataType, content}
		}
		received[*message.Body] = found
	}
	t.saw["received"] = received
	t.saw["counters_received"] = t.counters(url)
	sort.Slice(messages, func(i, j int) bool { return *messages[i].Body < *messages[j].Body })
	return messages
}

func (t tour) change(url *string, messages []types.Message) {
	first, others := messages[0], messages[1:]
	must(t.sqs.ChangeMessageVisibility(t.ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: url, ReceiptHandle: first.ReceiptHandle, VisibilityTimeout: 0,
	}))
	messages[0] = t.longPoll(url)[0]
	t.saw["received_again"] = *messages[0].MessageId == *first.MessageId
	t.saw["receive_count"] = messages[0].Attributes["ApproximateReceiveCount"]
	batch := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: url}
	for number, message := range others {
		batch.Entries = append(batch.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id:                aws.String(strconv.Itoa(number)),
			ReceiptHandle:     message.ReceiptHandle,
			VisibilityTimeout: 60,
		})
	}
	changed := []string{}
	for _, entry := range must(t.sqs.ChangeMessageVisibilityBatch(t.ctx, batch)).Successful {
		changed = append(changed, *entry.Id)
	}
	t.saw["changed"] = sorted(changed)
}

func (t tour) delete(url *string, messages []types.Message) {
	one := &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: messages[0].ReceiptHandle}
	must(t.sqs.DeleteMessage(t.ctx, one))
	garbage := aws.String("garbage")
	bad := types.DeleteMessageBatchRequestEntry{Id: aws.String("bad"), ReceiptHandle: garbage}
	batch := &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: append(entries(messages[1:]), bad)}
	answer := must(t.sqs.DeleteMessageBatch(t.ctx, batch))
	deleted := []string{}
	for _, entry := range answer.Successful {
		deleted = append(deleted, *entry.Id)
	}
	t.saw["deleted"] = sorted(deleted)
	t.saw["not_deleted"] = codes(answer.Failed)
	one.ReceiptHandle = garbage
	_, err := t.sqs.DeleteMessage(t.ctx, one)
	t.errors["handle"] = codeOf(err)
}

func (t tour) waitPurgeAndSet(url *string) {
	started := time.Now()
	poll := &sqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 1}
	t.saw["left"] = len(must(t.sqs.ReceiveMessage(t.ctx, poll)).Messages)
	t.saw["waited"] = time.Since(started) >= time.Second
	purged := &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("purged")}
	must(t.sqs.SendMessage(t.ctx, purged))
	must(t.sqs.PurgeQueue(t.ctx, &sqs.PurgeQueueInput{QueueUrl: url}))
	t.saw["counters_purged"] = t.counters(url)
	attributes := map[string]string{"VisibilityTimeout": "45"}
	set := &sqs.SetQueueAttributesInput{QueueUrl: url, Attributes: attributes}
	must(t.sqs.SetQueueAttributes(t.ctx, set))
	asked := &sqs.GetQueueAttributesInput{
		QueueUrl: url, AttributeNames: []types.QueueAttributeName{"VisibilityTimeout"},
	}
	t.saw["attributes"] = must(t.sqs.GetQueueAttributes(t.ctx, asked)).Attributes
}

func (t tour) useFifo(name string) *string {
	attributes := map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"}
	asked := &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes}
	url := must(t.sqs.CreateQueue(t.ctx, asked)).QueueUrl
	sent := []*sqs.SendMessageOutput{}
	for _, one := range [][2]string{{"x", "one"}, {"y", "other"}, {"x", "two"}, {"x", "one"}} {
		group, text := one[0], one[1]
		message := &sqs.SendMessageInput{QueueUrl: url, MessageGroupId: &group, MessageBody: &text}
		sent = append(sent, must(t.sqs.SendMessage(t.ctx, message)))
	}
	// Twenty digits each: their order as texts is their order as numbers.
	one, two, three := *sent[0].SequenceNumber, *sent[1].SequenceNumber, *sent[2].SequenceNumber
	t.saw["fifo_rising"] = len(one) == len(three) && one < two && two < three
	t.saw["fifo_duplicate"] = *sent[3].MessageId == *sent[0].MessageId
	messages := t.receiveThree(url)
	groups := map[string][]string{}
	for _, message := range messages {
		group := message.Attributes["MessageGroupId"]
		groups[group] = append(groups[group], *message.Body)
	}
	t.saw["fifo"] = groups
	batch := &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: entries(messages)}
	t.saw["fifo_deleted"] = len(must(t.sqs.DeleteMessageBatch(t.ctx, batch)).Successful)
	return url
}

func (t tour) receiveThree(url *string) []types.Message {
	messages := []types.Message{}
	for len(messages) < 3 {
		messages = append(messages, t.longPoll(url)...)
	}
	return messages
}

func (t tour) longPoll(url *string) []types.Message {
	poll := &sqs.ReceiveMessageInput{
		QueueUrl:              url,
		MaxNumberOfMessages:   10,
		WaitTimeSeconds:       5,
		AttributeNames:        []types.QueueAttributeName{"All"},
		MessageAttributeNames: []string{"All"},
	}
	return must(t.sqs.ReceiveMessage(t.ctx, poll)).Messages
}

// Visible, in flight, delayed.
func (t tour) counters(url *string) []string {
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	asked := &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: names}
	found := must(t.sqs.GetQueueAttributes(t.ctx, asked)).Attributes
	counters := []string{}
	for _, name := range names {
		counters = append(counters, found[string(name)])
	}
	return counters
}

func entries(messages []types.Message) []types.DeleteMessageBatchRequestEntry {
	made := []types.DeleteMessageBatchRequestEntry{}
	for number, message := range messages {
		id := strconv.Itoa(number)
		entry := types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: message.ReceiptHandle}
		made = append(made, entry)
	}
	return made
}

func codes(failed []types.BatchResultErrorEntry) map[string]string {
	found := map[string]string{}
	for _, entry := range failed {
		found[*entry.Id] = *entry.Code
	}
	return found
}

func codeOf(err error) string {
	var known smithy.APIError
	if errors.As(err, &known) {
		return known.ErrorCode()
	}
	return fmt.Sprintf("not an answer: %v", err)
}

func sorted(texts []string) []string {
	sort.Strings(texts)
	return texts
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
