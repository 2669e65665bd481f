//! Pairs whose models are whole functions: all entry points of both in one bundle, the plan, the names of weights.

use crate::{Place, fixture};
use spec_cost::{ModelShape, Pin, Problem, SearchOptions, Soc, Strategy, evaluate};
use spec_runtime::manifest::{
    AcceptRule, DType, Function, Manifest, Plan, QuantFormat, ResultKind, Role,
};

/// One function of a fixture, with its maps, as `@name` of a role; argument 4 and all after it are weights called PREFIXw.N.
fn function(file: &str, tag: &str, name: &str, role: &str, prefix: &str) -> (String, String) {
    let text = std::fs::read_to_string(fixture(file)).expect("a fixture");
    let text = text.replace("#map", &format!("#{tag}_map"));
    let (maps, body) = text.split_once("module {\n").expect("a module");
    let body = body.trim_end().strip_suffix('}').expect("its end");
    let (signature, rest) = body.split_once('\n').expect("a line");
    let mut arguments = String::new();
    let (head, types) = signature.split_once('(').expect("arguments");
    let (types, after) = types.split_once(") -> ").expect("results");
    for (i, argument) in types.split(", %").enumerate() {
        let percent = if i == 0 { "" } else { ", %" };
        let place = match i {
            0..4 => String::new(),
            _ => format!(" loc(\"{prefix}w.{i}\")"),
        };
        arguments += &format!("{percent}{argument}{place}");
    }
    let _ = head;
    let results = after.strip_suffix('{').expect("a body follows");
    let function = format!(
        "func.func @{name}({arguments}) -> {results} attributes {{spec.role = \"{role}\"}} {{\n{rest}"
    );
    (maps.to_owned(), function)
}

/// A model that drafts for itself: functions of one and of five tokens for both roles, equal in everything but the role.
fn self_draft() -> String {
    let parts = [
        function("stories260k.slice.m1.mlir", "a", "draft", "drafter", ""),
        function("stories260k.slice.m5.mlir", "b", "draft5", "drafter", ""),
        function("stories260k.slice.m1.mlir", "c", "decode", "target", ""),
        function("stories260k.slice.m5.mlir", "d", "verify5", "target", ""),
    ];
    let maps: String = parts.iter().map(|p| p.0.as_str()).collect();
    let functions: String = parts.iter().map(|p| p.1.as_str()).collect();
    format!("{maps}module {{\n{functions}}}\n")
}

fn import(quantize: &str) -> String {
    let models = "[{\"role\": \"target\", \"name\": \"stories\", \"files\": []}]";
    format!("{{\"format_version\": 1, \"models\": {models}, \"quantize\": \"{quantize}\"}}")
}

/// The pair in `model/model.mlir`.
fn place() -> Place {
    let place = Place::new();
    std::fs::create_dir(place.path("model")).expect("made");
    std::fs::write(place.path("model/model.mlir"), self_draft()).expect("written");
    place
}

const MODEL: &str = "model/model.mlir";

impl Place {
    /// Compiles the pair with more flags; the manifest and what was said.
    fn pair(&self, flags: &[&str]) -> (Manifest, String) {
        let all = [&[MODEL, "-o", "out", "--no-link"][..], flags].concat();
        let (_, err) = self.ok(&all);
        (self.manifest("out"), err)
    }
}

fn names(manifest: &Manifest) -> Vec<(&str, Role, u32)> {
    let functions = manifest.functions.iter();
    functions
        .map(|f| (f.symbol.as_deref().unwrap_or(&f.name), f.role, f.tokens))
        .collect()
}

fn placed(plan: &Plan) -> Vec<(Role, &str, u32, Option<&str>)> {
    let placements = plan.placements.iter();
    placements
        .map(|p| (p.role, p.device.as_str(), p.cores, p.dtype.as_deref()))
        .collect()
}

fn of<'m>(manifest: &'m Manifest, name: &str) -> &'m Function {
    let mut functions = manifest.functions.iter();
    functions.find(|f| f.name == name).expect(name)
}

#[test]
fn every_entry_point_of_both_models_is_compiled() {
    let place = place();
    let options = ["--plan-options", "alpha=0.8 draft-length=3"];
    let flags = ["--soc", "rk3588", "--drafter-device", "cpu-a55:2"];
    let target = ["--target-device", "cpu-a76"];
    let (manifest, err) = place.pair(&[&options[..], &flags, &target].concat());
    assert_eq!(err, "");
    assert_eq!(
        names(&manifest),
        [
            ("drafter_cpu_a55_draft", Role::Drafter, 1),
            ("drafter_cpu_a55_draft5", Role::Drafter, 5),
            ("target_cpu_a76_decode", Role::Target, 1),
            ("target_cpu_a76_verify5", Role::Target, 5),
        ]
    );
    for function in &manifest.functions {
        let kinds: Vec<_> = function.results.iter().map(|r| r.kind).collect();
        let (logits, cache) = (Some(ResultKind::Logits), Some(ResultKind::Cache));
        assert_eq!(kinds, [logits, cache, cache], "{}", function.name);
        let aliases: Vec<_> = function
            .results
            .iter()
            .map(|r| r.aliases_argument)
            .collect();
        assert_eq!(aliases, [None, Some(2), Some(3)], "{}", function.name);
        assert_eq!(
            function.results[0].shape,
            [u64::from(function.tokens), 512],
            "the head is whole"
        );
    }
    // equal names and types: one set of weights
    assert_eq!(manifest.weights.len(), 47);
    assert_eq!(manifest.weights[0].name, "w.4");

    let plan = manifest.plan.as_ref().expect("a plan");
    assert_eq!((plan.gamma, plan.strategy.as_str()), (3, "sequential"));
    assert_eq!(
        placed(plan),
        [
            (Role::Drafter, "cpu-a55", 2, Some("f32")),
            (Role::Target, "cpu-a76", 4, Some("f32"))
        ]
    );
    assert_eq!(plan.acceptance, Some(0.8));
    assert_eq!(plan.accept, Some(AcceptRule::Greedy));
    let (rate, base) = (plan.tokens_per_second, plan.baseline_tokens_per_second);
    let (rate, base) = (rate.expect("predicted"), base.expect("predicted"));
    assert!((rate / base / plan.speed_up - 1.0).abs() < 1e-12);
    let text = plan.baseline.as_deref().expect("named");
    assert!(text.contains("on cpu-a76:4:f32, no speculation"), "{text}");
}

/// What the manifest holds of the models is enough to predict again, with the plan's own figure.
#[test]
fn a_plan_can_be_predicted_again_from_the_manifest() {
    let place = place();
    let flags = ["--soc", "rk3588", "--drafter-device", "cpu-a55:2"];
    let target = ["--target-device", "cpu-a76:3", "--quantize"];
    let types = ["drafter=i4g32 target=i8g32", "--plan-options"];
    let options = ["alpha=0.7 draft-length=2 context=100"];
    let (manifest, err) = place.pair(&[&flags[..], &target, &types, &options].concat());
    assert_eq!(err, "");
    let plan = manifest.plan.as_ref().expect("a plan");
    let soc = Soc::load(&manifest.soc).expect("built in");
    let shape = |role: Role| {
        let model = manifest.models.iter().find(|m| m.role == role);
        let model = model.expect("described");
        assert_eq!(
            (model.layers, model.vocabulary, model.context),
            (5, 512, 256)
        );
        assert_eq!(model.parameters, 260_032);
        let shape: ModelShape = serde_json::from_value(model.shape.clone()).expect("a shape");
        assert_eq!(shape.entry_tokens, [1, 5]);
        assert_eq!(shape.dtype.to_string(), "f32", "as exported");
        shape
    };
    let (drafter, target) = (shape(Role::Drafter), shape(Role::Target));
    let pin = |role: Role| {
        let p = plan.placements.iter().find(|p| p.role == role);
        let p = p.expect("placed");
        let dtype = p.dtype.as_deref().expect("typed");
        let model = manifest.models.iter().find(|m| m.role == role);
        assert_eq!(model.expect("described").dtype, dtype);
        let text = format!("{}:{}:{dtype}", p.device, p.cores);
        text.parse::<Pin>().expect("a pin")
    };
    assert_eq!(pin(Role::Drafter).to_string(), "cpu-a55:2:i4g32");
    assert_eq!(pin(Role::Target).to_string(), "cpu-a76:3:i8g32");
    let acceptance = spec_cost::Acceptance::constant(0.7, "test".into()).expect("valid");
    let options = SearchOptions {
        context: (100, 100),
        token_id_bytes: 8,
        ..SearchOptions::default()
    };
    let problem = Problem {
        soc: &soc,
        target: &target,
        drafter: Some(&drafter),
        acceptance: &acceptance,
        profile: None,
        options: &options,
    };
    let again = evaluate(
        &problem,
        Some(&pin(Role::Drafter)),
        &pin(Role::Target),
        Strategy::Sequential,
        plan.gamma,
    )
    .expect("it can run");
    let planned = plan.tokens_per_second.expect("predicted");
    let found = again.candidate.tokens_per_second;
    assert!((found / planned - 1.0).abs() < 1e-9, "{found}, {planned}");
}

#[test]
fn a_self_draft_has_weights_of_its_own_where_types_differ() {
    let place = place();
    std::fs::write(place.path("model/import.json"), import("drafter=i4g32")).expect("written");
    let options = ["--plan-options", "alpha=0.9 draft-length=2", "--soc"];
    let (manifest, err) = place.pair(&[&options[..], &["imx95"]].concat());
    assert_eq!(err, "");
    let (draft, decode) = (of(&manifest, "draft"), of(&manifest, "decode"));
    for (i, (d, t)) in draft.arguments.iter().zip(&decode.arguments).enumerate() {
        let own = d.name.as_deref().unwrap_or_default();
        match &d.quantised_from {
            Some(from) => {
                assert_eq!(own, format!("drafter:w.{i}"));
                // 172 columns are no groups of 32
                let expected = match from.shape[..] {
                    [.., 172] => (QuantFormat::I8, 0),
                    _ => (QuantFormat::I4, 32),
                };
                assert_eq!((from.format, from.group), expected);
                let scale = &draft.arguments[from.scale_argument];
                assert_eq!(scale.name.as_deref(), Some(format!("{own}.scale").as_str()));
                assert_eq!((d.dtype, t.dtype), (DType::I8, DType::F32));
            }
            None => assert_eq!(d.name, t.name, "a norm is shared"),
        }
        if i >= 4 {
            assert_eq!(t.name, Some(format!("w.{i}")), "the target's names stay");
        }
    }
    // the other width has the same weights
    let wide: Vec<_> = of(&manifest, "draft5")
        .arguments
        .iter()
        .map(|a| &a.name)
        .collect();
    let narrow: Vec<_> = draft.arguments.iter().map(|a| &a.name).collect();
    assert_eq!(wide, narrow);
    let plan = manifest.plan.as_ref().expect("a plan");
    let types: Vec<_> = placed(plan).iter().map(|p| (p.0, p.3)).collect();
    assert_eq!(
        types,
        [(Role::Drafter, Some("i4g32")), (Role::Target, Some("f32"))]
    );

    let names: Vec<_> = manifest.models.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, ["draft", "stories"], "the importer's name, if any");

    // the flag comes first, for its role only
    let quantize = ["--quantize", "drafter=i8 target=f16"];
    let (manifest, _) = place.pair(&[&options[..], &["imx95"], &quantize].concat());
    let types: Vec<_> = manifest.models.iter().map(|m| m.dtype.as_str()).collect();
    assert_eq!(types, ["i8", "f16"]);
    let from = of(&manifest, "draft").arguments[4].quantised_from.as_ref();
    assert_eq!(from.expect("quantised").format, QuantFormat::I8);
    assert_eq!(of(&manifest, "decode").arguments[4].dtype, DType::F16);
    let quantize = ["--quantize", "drafter=none"];
    let (manifest, _) = place.pair(&[&options[..], &["imx95"], &quantize].concat());
    assert_eq!(manifest.weights.len(), 47, "all shared again");
}

/// The same integers with other scales are other weights, though names, types and shapes agree.
#[test]
fn scales_tell_weights_apart() {
    let place = place();
    let flags = ["--soc", "imx95", "--plan-options", "draft-length=1 alpha=1"];
    let quantize = ["--quantize", "drafter=i8g32 target=i8"];
    let (manifest, _) = place.pair(&[&flags[..], &quantize].concat());
    let name = |f: &str| of(&manifest, f).arguments[4].name.clone();
    assert_eq!(name("decode").as_deref(), Some("w.4"));
    assert_eq!(name("draft").as_deref(), Some("drafter:w.4"));
    let (manifest, _) = place.pair(&[&flags[..], &["--quantize", "all=i8"]].concat());
    let name = |f: &str| of(&manifest, f).arguments[4].name.clone();
    assert_eq!(name("decode"), name("draft"));
}

#[test]
fn a_drafter_that_does_not_pay_is_left_out_or_kept() {
    let place = place();
    let plan = ["--soc", "rk3588", "--plan-options", "alpha=0"];
    let (manifest, err) = place.pair(&plan);
    assert!(
        err.contains("the drafter is not compiled; --keep-drafter compiles it"),
        "{err}"
    );
    let all = names(&manifest);
    assert_eq!(
        all.iter().map(|n| n.1).collect::<Vec<_>>(),
        [Role::Target, Role::Target]
    );
    assert_eq!(manifest.models.len(), 1);
    let found = manifest.plan.expect("a plan");
    assert_eq!((found.gamma, found.strategy.as_str()), (0, "none"));
    assert_eq!(found.placements.len(), 1);
    assert_eq!(found.acceptance, Some(0.0));

    let (manifest, err) = place.pair(&[&plan[..], &["--keep-drafter"]].concat());
    assert_eq!(err, "");
    assert_eq!((manifest.functions.len(), manifest.models.len()), (4, 2));
    let kept = manifest.plan.expect("a plan");
    assert_eq!(kept.gamma, 0);
    let [drafter, target] = &placed(&kept)[..] else {
        panic!("{kept:?}");
    };
    assert_eq!((drafter.1, drafter.2), (target.1, target.2), "beside it");

    let elsewhere = ["--keep-drafter", "--drafter-device", "gpu"];
    let quantize = ["--quantize", "drafter=i8"];
    let (manifest, err) = place.pair(&[&plan[..], &elsewhere, &quantize].concat());
    assert_eq!(err, "");
    let kept = manifest.plan.as_ref().expect("a plan");
    let [drafter, _] = &placed(kept)[..] else {
        panic!("{kept:?}");
    };
    assert_eq!(*drafter, (Role::Drafter, "gpu", 4, Some("i8")));
    assert!(of(&manifest, "draft").gpu.is_some());
}

/// The summary says what was decided, and how far it hangs on an acceptance that nobody measured; integer products are planned for as such.
#[test]
fn the_summary_is_the_plan_too() {
    let place = place();
    let integers = ["--quantize", "all=i4g32 activations=int8"];
    let plan = [
        "--soc",
        "rk3588",
        "--plan-options",
        "alpha=0.9",
        "--keep-drafter",
    ];
    let all = [&[MODEL, "-o", "out", "--no-link"][..], &plan, &integers].concat();
    let (out, _) = place.ok(&all);
    for part in [
        "\nplan: ",
        "\nbaseline: decode on ",
        "\nbreak-even: speculation pays ",
        "\n  alpha 0.900 is not measured; best would be at 0.850 ",
    ] {
        assert!(out.contains(part), "{part:?} is not in\n{out}");
    }
    let manifest = place.manifest("out");
    assert!(manifest.models.iter().all(|m| m.dtype == "w4a8"));
    let placed = manifest.plan.expect("a plan").placements;
    assert!(placed.iter().all(|p| p.dtype.as_deref() == Some("w4a8")));
}

/// All widths of a role are one module of SPIR-V; the other role is beside it on the CPU.
#[test]
fn either_model_can_be_on_a_gpu() {
    let place = place();
    for (gpu, cpu) in [("draft", "decode"), ("decode", "draft")] {
        let (drafter, target) = if gpu == "draft" {
            ("gpu", "cpu:2")
        } else {
            ("cpu:1", "gpu")
        };
        let devices = ["--drafter-device", drafter, "--target-device", target];
        let options = [
            "--soc",
            "imx95",
            "--plan-options",
            "alpha=0.8 draft-length=4",
        ];
        let (manifest, err) = place.pair(&[&devices[..], &options].concat());
        assert_eq!(err, "");
        let role = of(&manifest, gpu).role;
        let on_gpu: Vec<_> = manifest
            .functions
            .iter()
            .filter_map(|f| Some((f, f.gpu.as_ref()?)))
            .collect();
        assert_eq!(on_gpu.len(), 2);
        assert!(on_gpu.iter().all(|(f, _)| f.role == role));
        assert_eq!(on_gpu[0].1.spirv, on_gpu[1].1.spirv);
        assert_eq!(on_gpu[0].1.spirv.file, "kernels.spv");
        let symbol = of(&manifest, cpu).symbol.as_deref().expect("on a CPU");
        assert!(symbol.ends_with(&format!("_cpu_{cpu}")), "{symbol}");
        let plan = manifest.plan.as_ref().expect("a plan");
        let devices: Vec<String> = plan
            .placements
            .iter()
            .map(|p| match p.device.as_str() {
                "gpu" => "gpu".to_owned(),
                cpu => format!("{cpu}:{}", p.cores),
            })
            .collect();
        assert_eq!(devices, [drafter, target]);
    }
}

/// The GPU of this machine, either way, and halves of the CPU.
#[test]
fn either_model_can_be_on_a_gpu_of_this_machine() {
    let place = place();
    let options = ["--plan-options", "alpha=0.8 draft-length=4"];
    for (drafter, target) in [
        ("vulkan:llvmpipe", "cpu"),
        ("cpu:1", "vulkan:llvmpipe"),
        ("cpu:1", "cpu:2"),
    ] {
        let devices = ["--drafter-device", drafter, "--target-device", target];
        let (manifest, err) = place.pair(&[&options[..], &devices].concat());
        assert_eq!(err, "");
        for (name, device) in [("draft5", drafter), ("verify5", target)] {
            let on_gpu = of(&manifest, name).gpu.is_some();
            assert_eq!(on_gpu, device.starts_with("vulkan"), "{name} on {device}");
        }
    }
}

#[test]
fn a_draft_length_can_be_fixed() {
    let place = place();
    let at = |options: &str| {
        let flags = ["--soc", "imx95", "--plan-options", options];
        let (manifest, _) = place.pair(&[&flags[..], &["--keep-drafter"]].concat());
        manifest.plan.expect("a plan")
    };
    for gamma in [0, 1, 7] {
        let plan = at(&format!("alpha=0.3 draft-length={gamma}"));
        assert_eq!(plan.gamma, gamma);
        assert!(plan.speed_up <= 1.0, "{plan:?}");
    }
    for (options, message) in [
        (
            "alpha=0.5 draft-length=2 max-draft-length=4",
            "exclude each other",
        ),
        ("alpha=0.5 draft-length=65", "0 to 64, got '65'"),
        ("alpha=0.5 draft-length=many", "0 to 64, got 'many'"),
    ] {
        let flags = [MODEL, "-o", "out2", "--plan-options", options];
        let err = place.fails(&flags, 1);
        assert!(err.contains(message), "{err}");
    }
}

#[test]
fn a_plan_for_other_types_than_the_compiled_ones_is_warned_of() {
    let place = place();
    let flags = ["--soc", "imx95", "--target-device", "cpu:6:i8"];
    let options = [
        "--plan-options",
        "alpha=0.5 draft-length=1 drafter-dtypes=i4g32",
    ];
    let (manifest, err) = place.pair(&[&flags[..], &options].concat());
    for part in [
        "the plan is for a drafter in i4g32, and its weights are compiled as f32",
        "the plan is for a target in i8, and its weights are compiled as f32: say which with --quantize target=FORMAT",
    ] {
        assert!(err.contains(part), "no '{part}' in {err}");
    }
    assert!(manifest.models.iter().all(|m| m.dtype == "f32"));
}

#[test]
fn descriptions_of_imports_are_checked() {
    let place = place();
    let cases = [
        ("{", "EOF while parsing"),
        ("{\"quantize\": \"\"}", "missing field `format_version`"),
        (
            "{\"format_version\": 2}",
            "format_version 2, this program reads 1",
        ),
        (
            "{\"format_version\": 1, \"quantize\": 3}",
            "invalid type: integer `3`",
        ),
        (
            "{\"format_version\": 1, \"quantize\": \"drafter=i8},canonicalize{x=1\"}",
            "expected ROLE=FORMAT",
        ),
        (
            "{\"format_version\": 1, \"quantize\": \"drafter\"}",
            "expected ROLE=FORMAT",
        ),
    ];
    for (text, message) in cases {
        std::fs::write(place.path("model/import.json"), text).expect("written");
        let err = place.fails(&[MODEL, "-o", "out"], 1);
        assert!(err.contains("model/import.json: "), "{err}");
        assert!(err.contains(message), "{err}");
    }
    std::fs::write(place.path("model/import.json"), import("drafter=i3")).expect("written");
    let options = ["--plan-options", "alpha=1 draft-length=1"];
    let err = place.fails(&[&[MODEL, "-o", "out"][..], &options].concat(), 1);
    assert!(err.contains("got 'i3'"), "{err}");
}

/// Models of one role that have one name for two weights cannot be told apart.
#[test]
fn names_that_clash_within_a_model_are_refused() {
    let place = place();
    let text = self_draft().replace("loc(\"w.6\")", "loc(\"w.4\")");
    std::fs::write(place.path(MODEL), text).expect("written");
    let options = ["--plan-options", "alpha=1 draft-length=1"];
    let err = place.fails(&[&[MODEL, "-o", "out"][..], &options].concat(), 1);
    assert!(err.contains("two weights are named 'w.4'"), "{err}");
}

/// A drafter from another checkpoint says so itself; its names stay as they are.
#[test]
fn names_of_another_checkpoint_stay() {
    let place = place();
    let parts = [
        function(
            "stories260k.slice.m1.mlir",
            "a",
            "draft",
            "drafter",
            "drafter:",
        ),
        function("stories260k.slice.m1.mlir", "c", "decode", "target", ""),
    ];
    let text = format!(
        "{}{}module {{\n{}{}}}\n",
        parts[0].0, parts[1].0, parts[0].1, parts[1].1
    );
    std::fs::write(place.path(MODEL), text).expect("written");
    let flags = ["--soc", "imx95", "--plan-options", "alpha=1 draft-length=1"];
    let (manifest, _) = place.pair(&flags);
    assert_eq!(manifest.weights.len(), 94);
    for (name, prefix) in [("draft", "drafter:"), ("decode", "")] {
        let own = of(&manifest, name).arguments[9].name.clone();
        assert_eq!(own, Some(format!("{prefix}w.9")));
    }
    let header = std::fs::read_to_string(place.path("out/model.h")).expect("a header");
    assert!(
        header.contains("drafter_cpu_draft_ARG_drafter_w_4"),
        "{header}"
    );
}

/// Models that a function of the module calls are cut out of it, as before.
#[test]
fn models_that_are_called_are_outlined() {
    let place = Place::new();
    let model = fixture("generation_loop.mlir");
    let flags = ["--soc", "imx95", "--no-link", "--keep-drafter"];
    let args = [&[model.as_str(), "-o", "out"][..], &flags].concat();
    let (_, err) = place.ok(&[&args[..], &["--plan-options", "alpha=0"]].concat());
    assert!(err.contains("--keep-drafter has no effect"), "{err}");
    let manifest = place.manifest("out");
    assert!(manifest.functions.iter().all(|f| f.role == Role::Target));
    let plan = manifest.plan.expect("a plan");
    assert_eq!(plan.placements.len(), 1);
    assert!(plan.tokens_per_second.is_some());
}
