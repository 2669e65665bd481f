//! Version, capabilities and extensions of a module.

use spec_dialect::ffi::{Attr, Ctx};

/// `#spirv.vce<v1.MINOR, [CAPABILITIES], [EXTENSIONS]>`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Vce {
    /// Of version 1.
    pub(super) minor: u32,
    /// Names.
    pub(super) capabilities: Vec<String>,
    /// Names.
    pub(super) extensions: Vec<String>,
}

/// The lowest version that we write: Vulkan 1.1 has it. Storage buffers and subgroups need it.
const LOWEST: u32 = 3;

/// Extensions, and the version of which they became a part.
const CORE_SINCE: &[(&str, u32)] = &[
    ("SPV_KHR_storage_buffer_storage_class", 3),
    ("SPV_KHR_16bit_storage", 3),
    ("SPV_KHR_8bit_storage", 5),
    ("SPV_KHR_integer_dot_product", 6),
];

impl Vce {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix("#spirv.vce<v1.")?.strip_suffix('>')?;
        let (minor, lists) = inner.split_once(',')?;
        let mut lists = lists.split('[').skip(1).map(|l| {
            let names = l.split(']').next().unwrap_or_default().split(',');
            let names = names.map(|n| n.trim().to_owned());
            names.filter(|n| !n.is_empty()).collect::<Vec<_>>()
        });
        Some(Vce {
            minor: minor.trim().parse().ok()?,
            capabilities: lists.next()?,
            extensions: lists.next().unwrap_or_default(),
        })
    }

    /// Raises the version to what we write, and drops what it has built in.
    pub(super) fn settle(&mut self) {
        self.minor = self.minor.max(LOWEST);
        let minor = self.minor;
        self.extensions.retain(|e| {
            !CORE_SINCE
                .iter()
                .any(|(n, since)| n == e && *since <= minor)
        });
    }

    /// Panics (our bug) if MLIR knows one of the names no more.
    pub(super) fn attr(&self, ctx: Ctx) -> Attr {
        let (capabilities, extensions) = (self.capabilities.join(", "), self.extensions.join(", "));
        let text = format!(
            "#spirv.vce<v1.{}, [{capabilities}], [{extensions}]>",
            self.minor
        );
        Attr::parse(ctx, &text).unwrap_or_else(|| panic!("'{text}' is no attribute"))
    }

    pub(super) fn has(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|c| c == capability)
    }
}
