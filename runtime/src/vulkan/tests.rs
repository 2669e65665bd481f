//! What needs no device.

#[test]
fn gpus_go_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<super::Gpu>();
    check::<super::Buffer>();
    check::<super::Program>();
    check::<super::Recorded>();
}
