//! Quantised models as machine code: against the same model with the weights that the integers stand for, and bit for bit whatever
//! the number of tokens in a call and of cores.

use spec_runtime::manifest::{Argument, DType, QuantFormat};
use spec_runtime::pool::Pool;
use spec_runtime::quantize::{Matrix, Scheme, TRANSPOSED, dequantise, quantise};
use spec_testsuite::compiled::{Compiled, Entry, compile, decode, encode};
use spec_testsuite::harness::{Linking, Machine};
use spec_testsuite::modelgen::run::Input;
use spec_testsuite::modelgen::{
    Config, EXPORTERS, Element, Exporter, Form, Host, ModelSpec, Style, Type, WeightLayout, build,
};

const M: usize = 3;
const PROMPT: [usize; 6] = [3, 17, 42, 5, 63, 0];

/// Sizes that groups of 32 divide.
fn model(exporter: Exporter) -> ModelSpec {
    let config = Config {
        hidden: 64,
        heads: 8,
        kv_heads: 4,
        ffn: 96,
        vocabulary: 160,
        ..Config::default()
    };
    ModelSpec::new(config, Style::of(exporter))
}

/// Integers, scales and values.
type Packed = (Vec<u8>, Vec<u8>, Vec<f64>);

/// The argument's integers and scales, and the values that they stand for, in the order of the exported weight.
fn quantised(argument: &Argument, scale: DType, bytes: &[u8]) -> Result<Packed, String> {
    let from = argument.quantised_from.as_ref().ok_or("a dense weight")?;
    let transposed = argument.layout.as_deref() == Some(TRANSPOSED);
    let [.., a, b] = from.shape[..] else {
        return Err(format!("a weight of shape {:?}", from.shape));
    };
    let (rows, columns) = if transposed { (b, a) } else { (a, b) };
    let (rows, columns) = (rows as usize, columns as usize);
    let scheme = Scheme::new(from.format, from.group, scale).map_err(|e| e.to_string())?;
    let (of_weights, of_scales) = scheme.row_bytes(columns).map_err(|e| e.to_string())?;
    let (mut weights, mut scales, mut values) = (vec![], vec![], vec![]);
    for one in bytes.chunks(rows * columns * from.dtype.bytes()) {
        let matrix = Matrix::new("weight", from.dtype, one, rows, columns, transposed);
        let matrix = matrix.map_err(|e| e.to_string())?;
        let (mut w, mut s) = (vec![0; rows * of_weights], vec![0; rows * of_scales]);
        quantise(&matrix, scheme, &mut w, &mut s).map_err(|e| e.to_string())?;
        let mut dense = vec![0.0; rows * columns];
        dequantise(scheme, columns, &w, &s, &mut dense).map_err(|e| e.to_string())?;
        let at = |i: usize| match transposed {
            true => dense[i % rows * columns + i / rows],
            false => dense[i],
        };
        values.extend((0..dense.len()).map(|i| f64::from(at(i))));
        weights.extend(w);
        scales.extend(s);
    }
    Ok((weights, scales, values))
}

/// Arguments of the quantised function, and of the dense one with the values that the integers stand for.
fn arguments(
    described: &[Argument],
    dense: &[Input],
) -> Result<(Vec<Vec<u8>>, Vec<Input>), String> {
    let mut packed = dense.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
    packed.resize(described.len(), vec![]);
    let mut meant = dense.to_vec();
    for (i, argument) in described.iter().enumerate() {
        let Some(from) = &argument.quantised_from else {
            continue;
        };
        let scale = described[from.scale_argument].dtype;
        let (weights, scales, values) = quantised(argument, scale, &packed[i])?;
        packed[i] = weights;
        packed[from.scale_argument] = scales;
        if let Input::Dense(_, old) = &mut meant[i] {
            *old = values;
        }
    }
    Ok((packed, meant))
}

struct Case {
    model: ModelSpec,
    options: &'static str,
    tolerance: f64,
}

fn answers(
    case: &Case,
    (function, m): (&str, usize),
    pool: Option<&Pool>,
    packed: &Compiled,
    dense: Option<&Compiled>,
) -> Result<(Vec<f64>, Vec<f64>), String> {
    let new = || Host::new(&case.model.config, &case.model.style);
    let (mut host, mut dense_host) = (new(), new());
    let (mut found, mut expected) = (vec![], vec![]);
    let described = &packed.described(function)?.arguments;
    for (i, tokens) in PROMPT.chunks(m).enumerate() {
        found.extend(host.call_with(tokens, i * m, |args, types: &[Type]| {
            let (bytes, _) = arguments(described, args)?;
            let results = packed.call_bytes(function, &bytes, pool)?;
            let values = types.iter().zip(&results).map(|(t, b)| decode(t, b));
            Ok::<_, String>(values.collect())
        })?);
        if let Some(dense) = dense {
            expected.extend(dense_host.call_with(tokens, i * m, |args, types| {
                let (_, meant) = arguments(described, args)?;
                dense.call(function, &meant, types, None)
            })?);
        }
    }
    Ok((found, expected))
}

fn problem(case: &Case) -> Result<(), String> {
    let text = build(&Form::DecodeVerify(case.model.clone(), M)).text;
    let dense = Compiled::new(&text, &[])?;
    let packed = Compiled::new(&text, &["--quantize", case.options])?;
    let count = (packed.described("decode")?.arguments.iter())
        .filter(|a| a.quantised_from.is_some())
        .count();
    if count == 0 {
        return Err("nothing is quantised".into());
    }
    let (one, expected) = answers(case, ("decode", 1), None, &packed, Some(&dense))?;
    let largest = expected.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    for (e, f) in expected.iter().zip(&one) {
        if f.is_nan() || (e - f).abs() > case.tolerance * largest {
            return Err(format!("{f}, expected {e}"));
        }
    }
    let pool = Pool::new(2).map_err(|e| e.to_string())?;
    let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    for pool in [None, Some(&pool)] {
        let (several, _) = answers(case, ("verify", M), pool, &packed, None)?;
        if bits(&several) != bits(&one) {
            return Err(format!("{M} tokens in a call give other bits than one"));
        }
    }
    Ok(())
}

fn check(cases: &[Case]) {
    for case in cases {
        if let Err(problem) = problem(case) {
            let (exporter, options) = (case.model.style.exporter, case.options);
            panic!("{exporter:?} with {options}: {problem}");
        }
    }
}

/// Every format, with weights as the torch exporter has them.
#[test]
fn formats() {
    let formats = [
        "all=i8",
        "all=i8g32 scales=f32",
        "all=i4g32",
        "all=i4g32 head=i8g32",
    ];
    let case = |options| Case {
        model: model(Exporter::Torch),
        options,
        tolerance: 1e-5,
    };
    check(&formats.map(case));
}

/// Stacked, transposed and shared weights, f16 and bf16 activations.
#[test]
fn exporters() {
    let mut cases: Vec<Case> = (EXPORTERS.into_iter())
        .map(|exporter| Case {
            model: model(exporter),
            options: "all=i8g32",
            tolerance: 1e-5,
        })
        .collect();
    let mut stacked = model(Exporter::Loop);
    stacked.style.weight_layout = WeightLayout::InOut;
    cases.push(Case {
        model: stacked,
        options: "all=i4g32",
        tolerance: 1e-5,
    });
    for (dtype, tolerance) in [(Element::F16, 1e-2), (Element::BF16, 1e-1)] {
        let mut narrow = model(Exporter::Torch);
        narrow.config.dtype = dtype;
        cases.push(Case {
            model: narrow,
            options: "all=i4g32",
            tolerance,
        });
    }
    check(&cases);
}

/// Integer arithmetic changes results, but not with the number of tokens.
#[test]
fn integer_activations() {
    let case = |options| Case {
        model: model(Exporter::Torch),
        options,
        tolerance: 5e-2,
    };
    check(&["all=i8g32 activations=int8", "all=i4g32 activations=int8"].map(case));
}

/// The same code for Cortex-A55, whose products of integers are SDOT, under qemu.
#[test]
fn cortex_a55_under_qemu() {
    let cases = [
        ("all=i8 scales=f32", 1e-5),
        ("all=i8g32", 1e-5),
        ("all=i4g32", 1e-5),
        ("all=i8g32 activations=int8", 5e-2),
        ("all=i4g32 activations=int8", 5e-2),
    ];
    let model = model(Exporter::Torch);
    let text = build(&Form::DecodeVerify(model.clone(), M)).text;
    let dense = Compiled::new(&text, &[]).expect("compiles");
    for (options, tolerance) in cases {
        if let Err(problem) = cross(&model, &text, &dense, (options, tolerance)) {
            panic!("{options}: {problem}");
        }
    }
}

fn cross(
    model: &ModelSpec,
    text: &str,
    dense: &Compiled,
    (options, tolerance): (&str, f64),
) -> Result<(), String> {
    let folder = compile(text, &["--soc=imx95", "--quantize", options])?;
    let out = folder.path().join("out");
    let mut bits: Vec<Vec<u64>> = vec![];
    for (function, m) in [("decode", 1), ("verify", M)] {
        let entry = Entry::new(Machine::Aarch64, Linking::Static, &out, function)?;
        let described = &entry.described().arguments;
        let new = || Host::new(&model.config, &model.style);
        let (mut host, mut dense_host) = (new(), new());
        let (mut found, mut expected) = (vec![], vec![]);
        for (i, tokens) in PROMPT.chunks(m).enumerate() {
            found.extend(host.call_with(tokens, i * m, |args, types: &[Type]| {
                let (bytes, _) = arguments(described, args)?;
                let results = entry.call_bytes(&bytes, m)?; // as many threads as tokens
                let values = types.iter().zip(&results).map(|(t, b)| decode(t, b));
                Ok::<_, String>(values.collect())
            })?);
            expected.extend(dense_host.call_with(tokens, i * m, |args, types| {
                let (_, meant) = arguments(described, args)?;
                dense.call(function, &meant, types, None)
            })?);
        }
        let largest = expected.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
        for (e, f) in expected.iter().zip(&found) {
            if f.is_nan() || (e - f).abs() > tolerance * largest {
                return Err(format!("{function}: {f}, expected {e}"));
            }
        }
        bits.push(found.iter().map(|v| v.to_bits()).collect());
    }
    if bits[0] != bits[1] {
        return Err(format!("{M} tokens in a call give other bits than one"));
    }
    Ok(())
}

/// The manifest says which format a weight has.
#[test]
fn manifest_names_the_format() {
    let text = build(&Form::Single(model(Exporter::Torch))).text;
    let packed = Compiled::new(&text, &["--quantize", "all=i4g32 head=i8g32"]).expect("compiles");
    let functions = &packed.bundle().manifest().functions;
    let formats: Vec<QuantFormat> = (functions[0].arguments.iter())
        .filter_map(|a| a.quantised_from.as_ref().map(|q| q.format))
        .collect();
    let of = |f| formats.iter().filter(|x| **x == f).count();
    let linears_of_two_layers = 14;
    assert_eq!(
        (of(QuantFormat::I4), of(QuantFormat::I8)),
        (linears_of_two_layers, 1)
    );
}
