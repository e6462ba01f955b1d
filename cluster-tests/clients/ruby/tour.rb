# What users of the AWS SDK for Ruby do, here of its version 1: `tour.rb NAME` uses a queue NAME and prints what
# it saw as one JSON object. That version knows neither tags nor FIFO queues.
#
#     export ENDPOINT=http://localhost:9324
#     export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything

require "json"
require "uri"
require "aws-sdk"

BODY = "grüße ✓ <&> \"quoted\"\r\nsecond line".freeze

endpoint = URI.parse(ENV.fetch("ENDPOINT"))
AWS.config(
  sqs_endpoint: endpoint.host, sqs_port: endpoint.port, use_ssl: endpoint.scheme == "https",
  region: "us-east-1", access_key_id: ENV["AWS_ACCESS_KEY_ID"],
  secret_access_key: ENV["AWS_SECRET_ACCESS_KEY"]
)

def code_of
  yield
  "no error"
rescue AWS::SQS::Errors::Base => error
  error.code
end

def counters(queue)
  [queue.visible_messages, queue.invisible_messages, queue.approximate_number_of_messages_delayed]
    .map(&:to_s)
end

def attributes_of(message)
  (message.message_attributes || {}).to_h do |name, value|
    content = value[:string_value] || value[:binary_value].unpack1("H*")
    [name, [value[:data_type], content]]
  end
end

def long_poll(queue)
  queue.receive_messages(limit: 10, wait_time_seconds: 5, attributes: [:all],
                         message_attribute_names: ["All"])
end

name = ARGV.fetch(0)
sqs = AWS::SQS.new
saw = { client: "aws-sdk #{AWS::VERSION}", errors: {} }

queue = sqs.queues.create(name, visibility_timeout: 30)
again = sqs.queues.create(name, visibility_timeout: 30)
listed = sqs.queues.with_prefix(name).map(&:url)
saw[:urls] = [queue.url, again.url, sqs.queues.url_for(name), *listed].uniq.sort
saw[:errors][:missing] = code_of { sqs.queues.url_for("#{name}-missing") }

# The SDK itself compares the MD5 of what was sent with that of the answer.
queue.send_message(
  BODY,
  message_attributes: {
    "colour" => { data_type: "String", string_value: "blue" },
    "count" => { data_type: "Number.int", string_value: "3" },
    "blob" => { data_type: "Binary", binary_value: [0, 1, 2, 255].pack("C*") }
  }
)
answer = sqs.client.send_message_batch(
  queue_url: queue.url,
  entries: [
    { id: "a", message_body: "first of the batch" },
    { id: "b", message_body: "second of the batch" },
    { id: "late", message_body: "delayed too long", delay_seconds: 901 }
  ]
)
saw[:sent] = answer[:successful].map { |entry| entry[:id] }.sort
saw[:not_sent] = answer[:failed].to_h { |entry| [entry[:id], entry[:code]] }
saw[:errors][:delay] = code_of { queue.send_message("x", delay_seconds: 901) }
saw[:counters] = counters(queue)

messages = []
deadline = Time.now + 20
messages += long_poll(queue) while messages.size < 3 && Time.now < deadline
messages.sort_by!(&:body)
saw[:received] = messages.to_h { |message| [message.body, attributes_of(message)] }
saw[:counters_received] = counters(queue)

first, *others = messages
first.visibility_timeout = 0
messages[0] = long_poll(queue).first
saw[:received_again] = messages[0].id == first.id
saw[:receive_count] = messages[0].receive_count.to_s
answer = sqs.client.change_message_visibility_batch(
  queue_url: queue.url,
  entries: others.each_with_index.map do |message, number|
    { id: number.to_s, receipt_handle: message.handle, visibility_timeout: 60 }
  end
)
saw[:changed] = answer[:successful].map { |entry| entry[:id] }.sort

messages[0].delete
entries = others.each_with_index.map do |message, number|
  { id: number.to_s, receipt_handle: message.handle }
end
entries << { id: "bad", receipt_handle: "garbage" }
answer = sqs.client.delete_message_batch(queue_url: queue.url, entries: entries)
saw[:deleted] = answer[:successful].map { |entry| entry[:id] }.sort
saw[:not_deleted] = answer[:failed].to_h { |entry| [entry[:id], entry[:code]] }
garbage = { queue_url: queue.url, receipt_handle: "garbage" }
saw[:errors][:handle] = code_of { sqs.client.delete_message(garbage) }

started = Time.now
saw[:left] = queue.receive_messages(limit: 10, wait_time_seconds: 1).size
saw[:waited] = Time.now - started >= 1
queue.visibility_timeout = 45
saw[:attributes] = { "VisibilityTimeout" => queue.visibility_timeout.to_s }
queue.delete
saw[:errors][:deleted] = code_of { sqs.queues.url_for(name) }
puts JSON.generate(saw)
