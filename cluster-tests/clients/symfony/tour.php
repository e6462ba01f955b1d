<?php
// What users of AsyncAws do, the client below Symfony Messenger: `tour.php NAME` uses a queue NAME and a queue
// NAME.fifo, and prints what it saw as one JSON object. Debian's version knows no tags of existing queues.
//
//     export ENDPOINT=http://localhost:9324
//     export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_REGION=us-east-1

use AsyncAws\Core\Exception\Http\HttpException;
use AsyncAws\Sqs\SqsClient;
use AsyncAws\Sqs\ValueObject\Message;

require '/usr/share/php/AsyncAws/Sqs/autoload.php';

const BODY = "grüße ✓ <&> \"quoted\"\r\nsecond line";
const COUNTERS = [
    'ApproximateNumberOfMessages',
    'ApproximateNumberOfMessagesNotVisible',
    'ApproximateNumberOfMessagesDelayed',
];

function counters(SqsClient $sqs, string $url): array
{
    $asked = ['QueueUrl' => $url, 'AttributeNames' => COUNTERS];
    $found = $sqs->getQueueAttributes($asked)->getAttributes();

    return array_map(fn ($name) => $found[$name], COUNTERS);
}

/** Until there are three: one answer need not hold all that the queue has. */
function receiveThree(SqsClient $sqs, string $url): array
{
    $messages = [];
    for ($deadline = time() + 20; count($messages) < 3 && time() < $deadline;) {
        array_push($messages, ...longPoll($sqs, $url));
    }

    return $messages;
}

function longPoll(SqsClient $sqs, string $url): array
{
    return $sqs->receiveMessage([
        'QueueUrl' => $url,
        'MaxNumberOfMessages' => 10,
        'WaitTimeSeconds' => 5,
        'AttributeNames' => ['All'],
        'MessageAttributeNames' => ['All'],
    ])->getMessages();
}

/** Type and value by name; bytes as hexadecimal text. */
function attributesOf(Message $message): object
{
    $found = [];
    foreach ($message->getMessageAttributes() as $name => $value) {
        $content = $value->getStringValue() ?? bin2hex($value->getBinaryValue());
        $found[$name] = [$value->getDataType(), $content];
    }

    return (object) $found;
}

function entriesOf(array $messages, array $more = []): array
{
    $entry = fn ($number, $message) => [
        'Id' => (string) $number, 'ReceiptHandle' => $message->getReceiptHandle(), ...$more,
    ];

    return array_map($entry, array_keys($messages), $messages);
}

function idsOf(array $entries): array
{
    $ids = array_map(fn ($entry) => $entry->getId(), $entries);
    sort($ids);

    return $ids;
}

function codesOf(array $failed): array
{
    return array_combine(idsOf($failed), array_map(fn ($entry) => $entry->getCode(), $failed));
}

function codeOf(callable $call): string
{
    try {
        $call()->resolve();
    } catch (HttpException $error) {
        return $error->getAwsCode();
    }

    return 'no error';
}

function create(SqsClient $sqs, string $name, array &$saw): string
{
    $asked = ['QueueName' => $name, 'Attributes' => ['VisibilityTimeout' => '30']];
    $url = $sqs->createQueue($asked)->getQueueUrl();
    $again = $sqs->createQueue($asked)->getQueueUrl();
    $found = $sqs->getQueueUrl(['QueueName' => $name])->getQueueUrl();
    $listed = iterator_to_array($sqs->listQueues(['QueueNamePrefix' => $name])->getQueueUrls(), false);
    $saw['urls'] = array_values(array_unique([$url, $again, $found, ...$listed]));
    $missing = ['QueueName' => "$name-missing"];
    $saw['errors']['missing'] = codeOf(fn () => $sqs->getQueueUrl($missing));

    return $url;
}

function send(SqsClient $sqs, string $url, array &$saw): void
{
    $sqs->sendMessage([
        'QueueUrl' => $url,
        'MessageBody' => BODY,
        'MessageAttributes' => [
            'colour' => ['DataType' => 'String', 'StringValue' => 'blue'],
            'count' => ['DataType' => 'Number.int', 'StringValue' => '3'],
            'blob' => ['DataType' => 'Binary', 'BinaryValue' => "\x00\x01\x02\xff"],
        ],
    ])->resolve();
    $answer = $sqs->sendMessageBatch(['QueueUrl' => $url, 'Entries' => [
        ['Id' => 'a', 'MessageBody' => 'first of the batch'],
        ['Id' => 'b', 'MessageBody' => 'second of the batch'],
        ['Id' => 'late', 'MessageBody' => 'delayed too long', 'DelaySeconds' => 901],
    ]]);
    $saw['sent'] = idsOf($answer->getSuccessful());
    $saw['not_sent'] = codesOf($answer->getFailed());
    $late = ['QueueUrl' => $url, 'MessageBody' => 'x', 'DelaySeconds' => 901];
    $saw['errors']['delay'] = codeOf(fn () => $sqs->sendMessage($late));
    $saw['counters'] = counters($sqs, $url);
}

function receive(SqsClient $sqs, string $url, array &$saw): array
{
    $messages = receiveThree($sqs, $url);
    usort($messages, fn ($one, $other) => strcmp($one->getBody(), $other->getBody()));
    $bodies = array_map(fn ($message) => $message->getBody(), $messages);
    $saw['received'] = array_combine($bodies, array_map(attributesOf(...), $messages));
    $saw['counters_received'] = counters($sqs, $url);

    return $messages;
}

function change(SqsClient $sqs, string $url, array &$messages, array &$saw): void
{
    $first = $messages[0];
    $atOnce = ['ReceiptHandle' => $first->getReceiptHandle(), 'VisibilityTimeout' => 0];
    $sqs->changeMessageVisibility(['QueueUrl' => $url, ...$atOnce])->resolve();
    [$messages[0]] = longPoll($sqs, $url);
    $saw['received_again'] = $messages[0]->getMessageId() === $first->getMessageId();
    $saw['receive_count'] = $messages[0]->getAttributes()['ApproximateReceiveCount'];
    $entries = entriesOf(array_slice($messages, 1), ['VisibilityTimeout' => 60]);
    $answer = $sqs->changeMessageVisibilityBatch(['QueueUrl' => $url, 'Entries' => $entries]);
    $saw['changed'] = idsOf($answer->getSuccessful());
}

function delete(SqsClient $sqs, string $url, array $messages, array &$saw): void
{
    $handle = $messages[0]->getReceiptHandle();
    $sqs->deleteMessage(['QueueUrl' => $url, 'ReceiptHandle' => $handle])->resolve();
    $entries = entriesOf(array_slice($messages, 1));
    $entries[] = ['Id' => 'bad', 'ReceiptHandle' => 'garbage'];
    $answer = $sqs->deleteMessageBatch(['QueueUrl' => $url, 'Entries' => $entries]);
    $saw['deleted'] = idsOf($answer->getSuccessful());
    $saw['not_deleted'] = codesOf($answer->getFailed());
    $garbage = ['QueueUrl' => $url, 'ReceiptHandle' => 'garbage'];
    $saw['errors']['handle'] = codeOf(fn () => $sqs->deleteMessage($garbage));
}

function waitAndPurge(SqsClient $sqs, string $url, array &$saw): void
{
    $started = microtime(true);
    $answer = $sqs->receiveMessage(['QueueUrl' => $url, 'WaitTimeSeconds' => 1]);
    $saw['left'] = count($answer->getMessages());
    $saw['waited'] = microtime(true) - $started >= 1;
    $sqs->sendMessage(['QueueUrl' => $url, 'MessageBody' => 'purged'])->resolve();
    $sqs->purgeQueue(['QueueUrl' => $url])->resolve();
    $saw['counters_purged'] = counters($sqs, $url);
}

function useFifo(SqsClient $sqs, string $name, array &$saw): string
{
    $attributes = ['FifoQueue' => 'true', 'ContentBasedDeduplication' => 'true'];
    $asked = ['QueueName' => $name, 'Attributes' => $attributes];
    $url = $sqs->createQueue($asked)->getQueueUrl();
    $sent = [];
    foreach ([['x', 'one'], ['y', 'other'], ['x', 'two'], ['x', 'one']] as [$group, $body]) {
        $message = ['QueueUrl' => $url, 'MessageBody' => $body, 'MessageGroupId' => $group];
        $sent[] = $sqs->sendMessage($message);
    }
    $numbers = array_map(fn ($answer) => $answer->getSequenceNumber(), array_slice($sent, 0, 3));
    $saw['fifo_rising'] = bigger($numbers[1], $numbers[0]) && bigger($numbers[2], $numbers[1]);
    $saw['fifo_duplicate'] = $sent[3]->getMessageId() === $sent[0]->getMessageId();
    $messages = receiveThree($sqs, $url);
    $saw['fifo'] = [];
    foreach ($messages as $message) {
        $saw['fifo'][$message->getAttributes()['MessageGroupId']][] = $message->getBody();
    }
    $batch = ['QueueUrl' => $url, 'Entries' => entriesOf($messages)];
    $saw['fifo_deleted'] = count($sqs->deleteMessageBatch($batch)->getSuccessful());

    return $url;
}

/** Of two numbers that are too large for an integer. */
function bigger(string $one, string $other): bool
{
    return [strlen($one), $one] > [strlen($other), $other];
}

$name = $argv[1];
$sqs = new SqsClient(['endpoint' => getenv('ENDPOINT')]);
$version = trim(shell_exec("dpkg-query -W -f '\${Version}' php-async-aws-sqs"));
$saw = ['client' => "AsyncAws SQS $version", 'errors' => []];
$url = create($sqs, $name, $saw);
send($sqs, $url, $saw);
$messages = receive($sqs, $url, $saw);
change($sqs, $url, $messages, $saw);
delete($sqs, $url, $messages, $saw);
waitAndPurge($sqs, $url, $saw);
$fifo = useFifo($sqs, "$name.fifo", $saw);
foreach ([$url, $fifo] as $created) {
    $sqs->deleteQueue(['QueueUrl' => $created])->resolve();
}
$saw['errors']['deleted'] = codeOf(fn () => $sqs->getQueueUrl(['QueueName' => $name]));
echo json_encode($saw, JSON_THROW_ON_ERROR), "\n";
