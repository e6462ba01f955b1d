<?php
// What users of Symfony Messenger do: `messenger.php DSN` sends jobs through a bus and lets a worker handle
// them, which makes its queue. One job fails at first and is sent again with a delay. Prints what it saw
// as one JSON object. The DSN names Squorum:
//
//     sqs://anything:anything@localhost:9324/jobs?sslmode=disable

use Symfony\Component\EventDispatcher\EventDispatcher;
use Symfony\Component\Messenger\Bridge\AmazonSqs\Transport\AmazonSqsFifoStamp;
use Symfony\Component\Messenger\Bridge\AmazonSqs\Transport\AmazonSqsTransportFactory;
use Symfony\Component\Messenger\Envelope;
use Symfony\Component\Messenger\Event\WorkerRunningEvent;
use Symfony\Component\Messenger\EventListener\SendFailedMessageForRetryListener;
use Symfony\Component\Messenger\Handler\HandlersLocator;
use Symfony\Component\Messenger\MessageBus;
use Symfony\Component\Messenger\Middleware\HandleMessageMiddleware;
use Symfony\Component\Messenger\Retry\MultiplierRetryStrategy;
use Symfony\Component\Messenger\Stamp\DelayStamp;
use Symfony\Component\Messenger\Transport\Serialization\PhpSerializer;
use Symfony\Component\Messenger\Worker;

require '/usr/share/php/Symfony/Component/Messenger/Bridge/AmazonSqs/autoload.php';
require '/usr/share/php/Symfony/Component/EventDispatcher/autoload.php';

final class Job
{
    public function __construct(public string $name) {}
}

/** Services by name, as a container of Symfony has them. */
final class Services implements Psr\Container\ContainerInterface
{
    public function __construct(private object $service) {}

    public function get(string $id): object
    {
        return $this->service;
    }

    public function has(string $id): bool
    {
        return true;
    }
}

const SECONDS_MAX = 60;
$dsn = $argv[1];
$is_fifo = str_contains($dsn, '.fifo');
$transport = (new AmazonSqsTransportFactory())->createTransport(
    $dsn, ['wait_time' => 2, 'visibility_timeout' => 30], new PhpSerializer()
);
$started = microtime(true);
$handled = [];
$failed = false;
$waited = null;

function stamps(bool $is_fifo, string $name, int $delay_ms = 0): array
{
    if ($is_fifo) {
        return [new AmazonSqsFifoStamp('group', $name)];
    }

    return $delay_ms > 0 ? [new DelayStamp($delay_ms)] : [];
}

for ($number = 0; $number < 20; ++$number) {
    $transport->send(new Envelope(new Job("job-$number"), stamps($is_fifo, "job-$number")));
}
$transport->send(new Envelope(new Job('later'), stamps($is_fifo, 'later', 2000)));
$sent = $transport->getMessageCount();

$handle = function (Job $job) use (&$handled, &$failed, &$waited, $started): void {
    if ('job-7' === $job->name && !$failed) {
        $failed = true;
        throw new RuntimeException('fails at first');
    }
    if ('later' === $job->name) {
        $waited = microtime(true) - $started;
    }
    $handled[] = $job->name;
};
$bus = new MessageBus([new HandleMessageMiddleware(new HandlersLocator([Job::class => [$handle]]))]);
$events = new EventDispatcher();
// Tries again after a second, by a new message.
$retry = new SendFailedMessageForRetryListener(
    new Services($transport), new Services(new MultiplierRetryStrategy(3, 1000))
);
$events->addSubscriber($retry);
$events->addListener(WorkerRunningEvent::class, function ($event) use (&$handled, $started): void {
    if (count($handled) >= 21 || microtime(true) - $started > SECONDS_MAX) {
        $event->getWorker()->stop();
    }
});
(new Worker(['sqs' => $transport], $bus, $events))->run();

echo json_encode([
    'sent' => $sent,
    'handled' => $handled,
    'waited' => $waited >= 2,
    'left' => $transport->getMessageCount(),
]), "\n";
