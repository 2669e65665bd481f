//! The bindings of a group of products.

use crate::gpu::{Access, Binding, Finish, LinearGroup, Part, Place, Rows, Stage, expr};
use crate::{DType, Format};

/// Numbers of bindings.
pub(super) struct Slots {
    pub norm: usize,
    pub parts: Vec<PartSlots>,
    pub scalars: usize,
}

/// Numbers of a part's bindings.
pub(super) struct PartSlots {
    pub weight: usize,
    pub scale: usize,
    pub bias: usize,
    pub finish: usize,
}

/// The bindings, and which is which.
pub(super) fn bind(k: &LinearGroup) -> (Vec<Binding>, Slots) {
    let mut all: Vec<Binding> = Vec::new();
    let mut add = |name, dtype, access, elements| {
        all.push(Binding {
            name,
            dtype,
            access,
            elements,
        });
        all.len() - 1
    };
    let span = |rows: Rows, n: i64| (k.m - 1) * rows.stride + n;
    add("x", k.x.dtype, Access::Read, span(k.x, k.k));
    let norm = 1;
    if let Stage::Norm { weight, bias, .. } = k.stage {
        add("norm_weight", weight, Access::Read, k.k);
        if let Some(bias) = bias {
            add("norm_bias", bias, Access::Read, k.k);
        }
    }
    let mut parts = Vec::new();
    for part in &k.parts {
        let (dtype, elements) = match part.format {
            Format::Dense { dtype, .. } => (dtype, part.n * k.k),
            Format::I8 { .. } => (DType::I8, part.n * k.k),
            Format::I4 { .. } => (DType::I8, part.n * k.k / 2),
        };
        let weight = add("weight", dtype, Access::Read, elements);
        let (mut scale, mut bias) = (weight, weight);
        if let Some(dtype) = part.format.scale() {
            scale = add(
                "scale",
                dtype,
                Access::Read,
                part.n * groups(k.k, part.format),
            );
        }
        if let Some(dtype) = part.bias {
            bias = add("bias", dtype, Access::Read, part.n);
        }
        let to = |to: &Place| {
            let tokens = if to.at.is_some() { to.capacity } else { k.m };
            let elements = (part.n / to.d.max(1) - 1) * to.head + (tokens - 1) * to.token + to.d;
            ("to", to.dtype, Access::Write, elements)
        };
        let mut list = Vec::new();
        match &part.finish {
            Finish::Store { add, to: place } => {
                list.extend(add.map(|rows| ("add", rows.dtype, Access::Read, span(rows, part.n))));
                list.push(to(place));
            }
            Finish::Rope {
                cos,
                sin,
                to: place,
                ..
            } => {
                list.push(("cos", *cos, Access::Read, k.m * (place.d / 2)));
                list.push(("sin", *sin, Access::Read, k.m * (place.d / 2)));
                list.push(to(place));
            }
            Finish::Activate { to: place, .. } => list.push(to(place)),
            Finish::Up => {}
        }
        let finish = bias.max(scale) + 1;
        for (name, dtype, access, elements) in list {
            add(name, dtype, access, elements);
        }
        parts.push(PartSlots {
            weight,
            scale,
            bias,
            finish,
        });
    }
    let scalars = all.len();
    let places = k
        .parts
        .iter()
        .filter_map(place)
        .filter_map(|to| to.at.as_ref());
    all.extend(expr::scalars(&k.scalars, &places.collect::<Vec<_>>(), &[]));
    (
        all,
        Slots {
            norm,
            parts,
            scalars,
        },
    )
}

/// Scales of a row.
pub(super) fn groups(k: i64, format: Format) -> i64 {
    match format.group() {
        0 => 1,
        group => k / group,
    }
}

pub(super) fn place(part: &Part) -> Option<&Place> {
    match &part.finish {
        Finish::Store { to, .. } | Finish::Rope { to, .. } | Finish::Activate { to, .. } => {
            Some(to)
        }
        Finish::Up => None,
    }
}
