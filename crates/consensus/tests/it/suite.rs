use squorum_consensus::testing::storage_suite;
use squorum_store::memory::MemoryStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openraft_storage_suite_on_the_memory_store() {
    storage_suite(MemoryStore::new).await.unwrap();
}
