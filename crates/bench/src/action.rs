/// The SQS actions that a load test calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    CreateQueue,
    DeleteMessage,
    DeleteMessageBatch,
    DeleteQueue,
    GetQueueUrl,
    ReceiveMessage,
    SendMessage,
    SendMessageBatch,
}

impl Action {
    /// Value of `X-Amz-Target`.
    pub(crate) fn target(self) -> &'static str {
        match self {
            Action::CreateQueue => "AmazonSQS.CreateQueue",
            Action::DeleteMessage => "AmazonSQS.DeleteMessage",
            Action::DeleteMessageBatch => "AmazonSQS.DeleteMessageBatch",
            Action::DeleteQueue => "AmazonSQS.DeleteQueue",
            Action::GetQueueUrl => "AmazonSQS.GetQueueUrl",
            Action::ReceiveMessage => "AmazonSQS.ReceiveMessage",
            Action::SendMessage => "AmazonSQS.SendMessage",
            Action::SendMessageBatch => "AmazonSQS.SendMessageBatch",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.target().trim_start_matches("AmazonSQS.")
    }
}
