//! Assertions.

use crate::gpu::expr::scalars;
use crate::gpu::{Access, Binding, Check, Emitted, Writer};
use crate::{DType, KernelError};

pub(super) fn bindings(k: &Check) -> Vec<Binding> {
    let status = Binding {
        name: "status",
        dtype: DType::I32,
        access: Access::Write,
        elements: 1,
    };
    let mut all = vec![status];
    all.extend(scalars(&k.scalars, &[], &k.conditions));
    all
}

/// One invocation.
pub(super) fn check(k: &Check, mut w: Writer) -> Result<Emitted, KernelError> {
    for condition in &k.conditions {
        let holds = w.cond(condition, 1);
        let yes = w.op("arith.constant true");
        let fails = w.op(format_args!("arith.xori {holds}, {yes} : i1"));
        w.when(&fails, |w| {
            let (status, two) = (w.start(0), w.int(2));
            w.store(0, &status, &two);
        });
    }
    w.finish([1, 1, 1])
}
