//! Packing, bounds of errors, what is exact, and what is refused.

use super::*;
use half::bf16;
use proptest::prelude::*;

fn scheme(format: QuantFormat, group: u32) -> Scheme {
    Scheme::new(format, group, DType::F16).expect("a format")
}

fn schemes() -> Vec<Scheme> {
    let formats = [
        (QuantFormat::I8, 0),
        (QuantFormat::I8, 32),
        (QuantFormat::I8, 64),
        (QuantFormat::I4, 32),
        (QuantFormat::I4, 64),
    ];
    let scales = [DType::F16, DType::F32];
    let of = |(format, group)| scales.map(|s| Scheme::new(format, group, s).expect("a format"));
    formats.into_iter().flat_map(of).collect()
}

fn le(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Integers, scales, errors, and the values that come back.
type Trip = (Vec<u8>, Vec<u8>, Errors, Vec<f32>);

/// Quantises rows of f32.
fn round_trip(values: &[f32], columns: usize, scheme: Scheme) -> Result<Trip, QuantiseError> {
    let bytes = le(values);
    let rows = values.len() / columns;
    let matrix = Matrix::new("w", DType::F32, &bytes, rows, columns, false)?;
    let (row_weights, row_scales) = scheme.row_bytes(columns)?;
    let (mut weights, mut scales) = (vec![0; rows * row_weights], vec![0; rows * row_scales]);
    let errors = quantise(&matrix, scheme, &mut weights, &mut scales)?;
    let mut back = vec![0.0; values.len()];
    dequantise(scheme, columns, &weights, &scales, &mut back)?;
    Ok((weights, scales, errors, back))
}

/// Numbers that look random, in -1..1: a linear congruence.
fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

/// Sums of twelve: nearly normal, of variance 4.
fn normal(n: usize, seed: u64) -> Vec<f32> {
    let uniform = numbers(12 * n, seed);
    uniform.chunks_exact(12).map(|c| c.iter().sum()).collect()
}

#[test]
fn i4_is_packed_as_documented() {
    // weight j of a row is (j * 5 mod 16) - 8: all integers occur, -8 first
    let columns = 128;
    let q = |j: usize| (j * 5 % 16) as i32 - 8;
    let values: Vec<f32> = (0..columns).map(|j| q(j) as f32 * 0.25).collect();
    for group in [32, 64] {
        let (weights, scales, _, _) =
            round_trip(&values, columns, scheme(QuantFormat::I4, group)).expect("finite");
        assert_eq!(
            scales,
            f16::from_f32(0.25)
                .to_le_bytes()
                .repeat(columns / group as usize)
        );
        for j in 0..columns {
            let byte = weights[j / 32 * 16 + j % 16];
            let nibble = if j % 32 < 16 { byte & 15 } else { byte >> 4 };
            assert_eq!(i32::from(nibble) - 8, q(j), "weight {j}, group {group}");
        }
    }
}

#[test]
fn i8_is_packed_as_documented() {
    let values: Vec<f32> = (0..64).map(|j| (j * 4 - 127) as f32 * 0.5).collect();
    let (weights, scales, errors, _) = round_trip(
        &values,
        64,
        Scheme::new(QuantFormat::I8, 0, DType::F32).expect("a format"),
    )
    .expect("finite");
    assert_eq!(scales, 0.5_f32.to_le_bytes());
    let integers: Vec<i32> = weights.iter().map(|b| i32::from(b.cast_signed())).collect();
    assert_eq!(integers, (0..64).map(|j| j * 4 - 127).collect::<Vec<_>>());
    assert_eq!(errors.max_abs, 0.0);
    assert_eq!(errors.snr_db(), f64::INFINITY);
}

/// Squared error of ggml's q4_0 on a group, with an f16 scale.
fn squared_error_of_q4_0(x: &[f32]) -> f64 {
    let m = x
        .iter()
        .fold(0.0_f32, |m, v| if v.abs() > m.abs() { *v } else { m });
    let d = f16::from_f32(m / -8.0).to_f32();
    let value = |v: &f32| (v / d).round_ties_even().clamp(-8.0, 7.0) * d;
    x.iter().map(|v| f64::from(v - value(v)).powi(2)).sum()
}

proptest! {
    #[test]
    fn representable_values_are_exact(
        integers in prop::collection::vec(-7_i8..=7, 64),
        at in 0_usize..32, negative: bool, largest in 7_i8..=8,
        scale in 0.001_f32..8.0, group in prop::sample::select(vec![32_u32, 64]),
    ) {
        let scale = f16::from_f32(scale).to_f32();
        let mut integers = integers;
        for block in [0, 32] {
            // 8 is not representable, -8 is
            integers[block + at] = if negative || largest == 8 { -largest } else { largest };
        }
        let values: Vec<f32> = integers.iter().map(|q| f32::from(*q) * scale).collect();
        let (_, _, errors, back) = round_trip(&values, 64, scheme(QuantFormat::I4, group)).expect("finite");
        prop_assert_eq!(errors.squared_errors, 0.0);
        prop_assert_eq!(back, values);
    }

    #[test]
    fn bytes_are_exact(integers in prop::collection::vec(-127_i8..=127, 64), scale in 0.001_f32..8.0, group in prop::sample::select(vec![0_u32, 32, 64])) {
        let scale = f16::from_f32(scale).to_f32();
        let mut integers = integers;
        integers[5] = 127;
        integers[40] = -127;
        let values: Vec<f32> = integers.iter().map(|q| f32::from(*q) * scale).collect();
        let (_, _, errors, back) = round_trip(&values, 64, scheme(QuantFormat::I8, group)).expect("finite");
        prop_assert_eq!(errors.max_abs, 0.0);
        prop_assert_eq!(back, values);
    }

    #[test]
    fn errors_are_bounded_and_reported(seed: u64, exponent in -12_i32..12) {
        let columns = 128;
        let values: Vec<f32> = normal(3 * columns, seed).iter().map(|v| v * 2.0_f32.powi(exponent)).collect();
        for scheme in schemes() {
            let (_, scales, errors, back) = round_trip(&values, columns, scheme).expect("finite");
            let group = scheme.group_of(columns);
            // i8: half a step, and what rounding the scale down cuts off; i4: clamping too
            let steps = if scheme.format == QuantFormat::I8 { 0.5 + 127.0 / 2048.0 } else { 1.6 };
            let scales = scales.chunks_exact(scheme.scale.bytes()).map(|b| scheme.read_scale(b));
            // half a step of the smallest f16 scales
            let subnormal = 127.0 * 2.0_f32.powi(-25);
            let mut whole = Errors::default();
            for ((x, y), d) in values.chunks(group).zip(back.chunks(group)).zip(scales) {
                whole.add(x, y);
                for (x, y) in x.iter().zip(y) {
                    prop_assert!((x - y).abs() <= d.abs() * steps * 1.001 + subnormal, "{x} becomes {y}, scale {d}, {scheme:?}");
                }
            }
            prop_assert_eq!(whole.elements, errors.elements);
            prop_assert_eq!(whole.max_abs, errors.max_abs);
            prop_assert!((whole.squared_errors - errors.squared_errors).abs() <= 1e-9 * whole.squared_errors);
            prop_assert!((whole.squares - errors.squares).abs() <= 1e-9 * whole.squares);
        }
    }

    #[test]
    fn the_search_is_never_worse_than_q4_0(seed: u64, group in prop::sample::select(vec![32_u32, 64])) {
        let values = normal(group as usize, seed);
        let (_, _, errors, _) = round_trip(&values, group as usize, scheme(QuantFormat::I4, group)).expect("finite");
        // f32 sums in the search, f64 here
        prop_assert!(errors.squared_errors <= squared_error_of_q4_0(&values) * 1.0001);
    }

    #[test]
    fn order_in_memory_and_threads_do_not_matter(seed: u64, rows in 1_usize..70, threads in 1_usize..5) {
        let columns = 64;
        let values = normal(rows * columns, seed);
        let bytes = le(&values);
        let exchanged: Vec<f32> = (0..rows * columns).map(|i| values[i % rows * columns + i / rows]).collect();
        let exchanged = le(&exchanged);
        for scheme in schemes() {
            let (row_weights, row_scales) = scheme.row_bytes(columns).expect("it fits");
            let run = |bytes: &[u8], transposed, threads| {
                let matrix = Matrix::new("w", DType::F32, bytes, rows, columns, transposed).expect("it fits");
                let (mut weights, mut scales) = (vec![0; rows * row_weights], vec![0; rows * row_scales]);
                let errors = quantise_on(threads, &matrix, scheme, &mut weights, &mut scales).expect("finite");
                (weights, scales, errors.max_abs, errors.elements)
            };
            let one = run(&bytes, false, 1);
            prop_assert_eq!(&one, &run(&bytes, false, threads));
            prop_assert_eq!(&one, &run(&exchanged, true, threads));
        }
    }
}

#[test]
fn normal_weights_lose_what_is_expected() {
    let values = normal(64 * 1024, 3);
    let snr = |format, group| {
        round_trip(&values, 1024, scheme(format, group))
            .expect("finite")
            .2
            .snr_db()
    };
    let of_q4_0: f64 = values.chunks_exact(32).map(squared_error_of_q4_0).sum();
    let squares: f64 = values.iter().map(|v| f64::from(*v).powi(2)).sum();
    let of_q4_0 = 10.0 * (squares / of_q4_0).log10();
    let all = [
        snr(QuantFormat::I8, 0),
        snr(QuantFormat::I8, 64),
        snr(QuantFormat::I8, 32),
        snr(QuantFormat::I4, 64),
        snr(QuantFormat::I4, 32),
    ];
    assert!(
        all[0] < all[1] && all[1] < all[2] && all[3] < all[4],
        "{all:?}"
    );
    assert!(all[0] > 38.0 && all[2] < 50.0, "{all:?}");
    assert!(all[4] > of_q4_0 + 0.4, "{all:?}, q4_0 {of_q4_0}");
}

#[test]
fn weights_that_are_no_numbers_are_named() {
    let (rows, columns) = (40, 64);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut values = numbers(rows * columns, 1);
        values[33 * columns + 7] = bad;
        let exchanged: Vec<f32> = (0..rows * columns)
            .map(|i| values[i % rows * columns + i / rows])
            .collect();
        for (values, transposed) in [(values, false), (exchanged, true)] {
            let bytes = le(&values);
            let matrix = Matrix::new("blocks.0.q", DType::F32, &bytes, rows, columns, transposed)
                .expect("it fits");
            let (mut weights, mut scales) = (vec![0; rows * columns], vec![0; rows * 2]);
            let error = quantise_on(
                2,
                &matrix,
                scheme(QuantFormat::I8, 0),
                &mut weights,
                &mut scales,
            )
            .expect_err("no number");
            assert!(
                matches!(&error, QuantiseError::NotFinite { name, row: 33, column: 7, .. } if name == "blocks.0.q"),
                "{error}"
            );
            assert!(
                error
                    .to_string()
                    .starts_with("blocks.0.q: element [33, 7] is ")
            );
        }
    }
}

#[test]
fn extremes() {
    let group = |v: f32| -> Vec<f32> { (0..32).map(|i| if i == 9 { v } else { 0.0 }).collect() };
    let f32_scales = |format| Scheme::new(format, 32, DType::F32).expect("a format");
    for format in [QuantFormat::I8, QuantFormat::I4] {
        // the largest float has a scale in f32, not in f16
        let (_, _, errors, _) = round_trip(&group(3e38), 32, f32_scales(format)).expect("held");
        assert!(errors.relative_rms() < 0.01 && errors.relative_rms().is_finite());
        let error = round_trip(&group(-1e9), 32, scheme(format, 32)).expect_err("too large");
        assert_eq!(
            error,
            QuantiseError::TooLarge {
                name: "w".into(),
                row: 0,
                value: -1e9,
                dtype: DType::F16
            }
        );
        // too small for a scale: zeros, and the error says so
        for (values, scheme) in [
            (group(1e-12), scheme(format, 32)),
            (group(f32::from_bits(1)), f32_scales(format)),
            (group(0.0), scheme(format, 32)),
        ] {
            let (weights, scales, errors, back) = round_trip(&values, 32, scheme).expect("finite");
            let zero = if format == QuantFormat::I4 { 0x88 } else { 0 };
            assert!(weights.iter().all(|b| *b == zero));
            assert!(scales.iter().all(|b| *b == 0));
            assert_eq!(back, vec![0.0; 32]);
            assert_eq!(errors.max_abs, f64::from(values[9]));
        }
    }
}

#[test]
fn shorter_floats_as_sources() {
    let values = normal(128, 5);
    let halves: Vec<f16> = values.iter().map(|v| f16::from_f32(*v)).collect();
    let brains: Vec<bf16> = values.iter().map(|v| bf16::from_f32(*v)).collect();
    let sources = [
        (
            DType::F16,
            halves
                .iter()
                .flat_map(|h| h.to_le_bytes())
                .collect::<Vec<u8>>(),
            halves.iter().map(|h| h.to_f32()).collect::<Vec<f32>>(),
        ),
        (
            DType::Bf16,
            brains.iter().flat_map(|h| h.to_le_bytes()).collect(),
            brains.iter().map(|h| h.to_f32()).collect(),
        ),
    ];
    for (dtype, bytes, as_f32) in sources {
        let matrix = Matrix::new("w", dtype, &bytes, 2, 64, false).expect("it fits");
        let (mut weights, mut scales) = (vec![0; 64], vec![0; 8]);
        quantise(
            &matrix,
            scheme(QuantFormat::I4, 32),
            &mut weights,
            &mut scales,
        )
        .expect("finite");
        let expected = round_trip(&as_f32, 64, scheme(QuantFormat::I4, 32)).expect("finite");
        assert_eq!((weights, scales), (expected.0, expected.1));

        let mut wide = vec![0; 512];
        let errors = convert(&matrix, DType::F32, &mut wide).expect("floats");
        assert_eq!((wide, errors.max_abs), (le(&as_f32), 0.0));
        let mut same = vec![0; 256];
        let errors = convert(&matrix, dtype, &mut same).expect("floats");
        assert_eq!((&same, errors.max_abs), (&bytes, 0.0));
    }
}

#[test]
fn floats_become_shorter_or_are_refused() {
    let values = [1.0, 1.0 / 3.0, -65504.0, 70000.0];
    let bytes = le(&values);
    let matrix =
        |rows| Matrix::new("w", DType::F32, &bytes[..rows * 4], rows, 1, false).expect("it fits");
    let mut out = vec![0; 8];
    let errors = convert(&matrix(4), DType::Bf16, &mut out).expect("in range");
    let expected: Vec<u8> = values
        .iter()
        .flat_map(|v| bf16::from_f32(*v).to_le_bytes())
        .collect();
    assert_eq!(out, expected);
    assert_eq!(errors.max_abs, 144.0); // 70000 becomes 137 * 512
    let error = convert(&matrix(4), DType::F16, &mut out).expect_err("too large");
    assert_eq!(
        error,
        QuantiseError::TooLarge {
            name: "w".into(),
            row: 3,
            value: 70000.0,
            dtype: DType::F16
        }
    );
    convert(&matrix(3), DType::F16, &mut out[..6]).expect("in range");
    let error = convert(&matrix(4), DType::I64, &mut [0; 32]).expect_err("no floats");
    assert!(matches!(
        error,
        QuantiseError::NotFloat {
            dtype: DType::I64,
            ..
        }
    ));
}

#[test]
fn what_does_not_fit_is_refused() {
    let format = |result: Result<Scheme, _>| matches!(result, Err(QuantiseError::Format(_)));
    assert!(format(Scheme::new(QuantFormat::I4, 0, DType::F16)));
    assert!(format(Scheme::new(QuantFormat::I8, 16, DType::F16)));
    assert!(format(Scheme::new(QuantFormat::I8, 0, DType::Bf16)));
    let i4 = scheme(QuantFormat::I4, 32);
    assert_eq!(i4.row_bytes(64), Ok((32, 4)));
    assert!(matches!(i4.row_bytes(48), Err(QuantiseError::Format(_))));
    assert!(matches!(
        i4.row_bytes(0).map(|_| ()),
        Ok(()) | Err(QuantiseError::Format(_))
    ));
    let short = Matrix::new("w", DType::F32, &[0; 255], 1, 64, false).expect_err("short");
    assert_eq!(
        short.to_string(),
        "w: the matrix needs 256 bytes, there are 255"
    );
    assert!(Matrix::new("w", DType::F32, &[0; 8], usize::MAX, 2, false).is_err());
    assert!(matches!(
        Matrix::new("w", DType::I8, &[0; 64], 1, 64, false),
        Err(QuantiseError::NotFloat { .. })
    ));
    let bytes = [0; 256];
    let matrix = Matrix::new("w", DType::F32, &bytes, 1, 64, false).expect("it fits");
    let error = quantise(&matrix, i4, &mut [0; 31], &mut [0; 4]).expect_err("short");
    assert_eq!(
        error.to_string(),
        "w: integers needs 32 bytes, there are 31"
    );
    let error = dequantise(i4, 64, &[0; 32], &[0; 4], &mut [0.0; 65]).expect_err("no rows");
    assert!(matches!(error, QuantiseError::Length { .. }));
}

#[test]
fn an_index_that_contradicts_itself_is_refused() {
    let weight = |name: &str, offset| StoredWeight {
        name: name.to_owned(),
        dtype: DType::F16,
        shape: vec![4, 16],
        offset,
        bytes: 128,
    };
    let index = WeightIndex {
        format_version: INDEX_VERSION,
        file: "weights.bin".to_owned(),
        bytes: 256,
        crc32: 7,
        weights: vec![weight("a", 0), weight("b", 128)],
    };
    let text = index.to_json().expect("it agrees with itself");
    assert_eq!(WeightIndex::from_json(&text).expect("valid"), index);
    assert_eq!(index.get("b").map(|w| w.offset), Some(128));
    let cases = [
        (
            "\"format_version\": 1",
            "\"format_version\": 2",
            "this program reads 1",
        ),
        ("weights.bin", "../weights.bin", "is not a file name"),
        (
            "\"bytes\": 256",
            "\"bytes\": 255",
            "\"b\" ends behind the file",
        ),
        (
            "\"offset\": 128",
            "\"offset\": 130",
            "offset 130 is not free",
        ),
        ("\"offset\": 128", "\"offset\": 64", "offset 64 is not free"),
        ("\"name\": \"b\"", "\"name\": \"a\"", "\"a\" is there twice"),
        ("\"f16\"", "\"f32\"", "shape and length disagree"),
        ("\"crc32\"", "\"crc\"", "unknown field `crc`"),
    ];
    for (from, to, message) in cases {
        let error = WeightIndex::from_json(&text.replacen(from, to, 1)).expect_err(message);
        assert!(error.to_string().contains(message), "{error}");
    }
}
