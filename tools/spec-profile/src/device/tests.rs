use super::file::{Gathered, GpuFigures, to_toml};
use super::*;
use crate::conditions::Conditions;
use spec_cost::{
    Acceptance, Architecture, ModelShape, Problem, SearchOptions, Soc, SourceKind, search,
};
use spec_runtime::vulkan::{Kind, Properties};
use std::fs;
use std::path::PathBuf;

/// A folder with `/proc` and `/sys` of a made-up machine: cores by capacity, clock in kHz and part number.
fn tree(cores: &[(u32, u64, u32)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    let put = |path: String, text: String| {
        let path: PathBuf = root.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, text).expect("written");
    };
    let cpu = "sys/devices/system/cpu";
    put(format!("{cpu}/online"), format!("0-{}\n", cores.len() - 1));
    let mut cpuinfo = String::new();
    for (i, (capacity, khz, part)) in cores.iter().enumerate() {
        put(
            format!("{cpu}/cpu{i}/cpu_capacity"),
            format!("{capacity}\n"),
        );
        put(
            format!("{cpu}/cpu{i}/cpufreq/cpuinfo_max_freq"),
            format!("{khz}\n"),
        );
        for (index, level, kind, size) in [
            (0, 1, "Data", "32K"),
            (1, 1, "Instruction", "64K"),
            (2, 2, "Unified", "512K"),
            (3, 3, "Unified", "3M"),
        ] {
            let folder = format!("{cpu}/cpu{i}/cache/index{index}");
            put(format!("{folder}/level"), format!("{level}\n"));
            put(format!("{folder}/type"), format!("{kind}\n"));
            put(format!("{folder}/size"), format!("{size}\n"));
        }
        cpuinfo += &format!("processor\t: {i}\nCPU implementer\t: 0x41\nCPU part\t: {part:#x}\n\n");
    }
    put("proc/cpuinfo".to_owned(), cpuinfo);
    let memory = "MemTotal:       8000000 kB\nMemFree:  1 kB\nMemAvailable:   7000000 kB\n";
    put("proc/meminfo".to_owned(), memory.to_owned());
    root
}

const BIG_LITTLE: [(u32, u64, u32); 4] = [
    (300, 1_800_000, 0xd05),
    (1024, 2_400_000, 0xd0b),
    (300, 1_800_000, 0xd05),
    (1024, 2_400_000, 0xd0b),
];

#[test]
fn clusters_are_equal_cores() {
    let root = tree(&BIG_LITTLE);
    let found = clusters(root.path()).expect("read");
    let seen: Vec<_> = found
        .iter()
        .map(|c| (c.name.as_str(), c.cores.clone()))
        .collect();
    assert_eq!(seen, [("cpu-a55", vec![0, 2]), ("cpu-a76", vec![1, 3])]);
    let a76 = &found[1];
    assert_eq!(
        (a76.l1_data, a76.last_level),
        (Some(32 << 10), Some(3 << 20))
    );
    assert_eq!(a76.description(), "2 x cortex-a76, 2400 MHz");
    let one = clusters(tree(&[(1024, 1, 0xd05), (1024, 1, 0xd05)]).path()).expect("read");
    assert_eq!((one.len(), one[0].name.as_str()), (1, "cpu"));
    let nothing = tempfile::tempdir().expect("a folder");
    let error = clusters(nothing.path()).expect_err("no /sys").to_string();
    assert!(error.contains("needs Linux with /sys"), "{error}");
}

fn made_up() -> Gathered {
    let root = tree(&BIG_LITTLE);
    let figures = |scale: f64| CpuFigures {
        bandwidth_one: 4e9 * scale,
        bandwidth_all: 7e9 * scale,
        buffer: 64 << 20,
        fork_join: 2e-6,
        wake: 30e-6,
        float: Some(Peak {
            rate: 14.4e9 * scale,
            how: "a loop".to_owned(),
        }),
        bytes: None,
        scaling: 1.9,
    };
    let found = clusters(root.path()).expect("read");
    let cpus = found
        .into_iter()
        .zip([figures(1.0), figures(3.0)])
        .collect();
    let gpu = GpuFigures {
        properties: Properties {
            name: "A \"GPU\"".to_owned(),
            kind: Kind::Integrated,
            version: (1, 3),
            invocations: 512,
            workgroup: [256, 256, 64],
            subgroup_size: 16,
            shared_memory: 32768,
            bindings: 30,
            ..Properties::default()
        },
        launch: 4e-6,
        sync: 120e-6,
        bandwidth: 8e9,
        streamed: 64 << 20,
        host_to_device: 5e9,
        device_to_host: 1e9,
        float: 50e9,
        half: None,
    };
    Gathered {
        name: "board-1".to_owned(),
        conditions: Conditions::read(root.path()),
        memory: cluster::memory(root.path()).expect("read"),
        cpus,
        all_cores_bandwidth: 22e9,
        gpu: Some(gpu),
    }
}

#[test]
fn the_cost_model_reads_and_plans_with_it() {
    let text = to_toml(&made_up());
    let soc = Soc::parse(&text, "board.toml").expect(&text);
    let names: Vec<&str> = soc.units().iter().map(|u| u.name.as_str()).collect();
    assert_eq!(names, ["cpu-a55", "cpu-a76", "gpu"]);
    let a76 = soc.unit("cpu-a76").expect("there");
    assert_eq!((a76.bandwidth_one, a76.bandwidth_all), (12e9, 21e9));
    assert!((a76.sync - 30e-6).abs() < 1e-9);
    assert_eq!(soc.memory().sustained_bandwidth, 22e9);
    let gpu = soc.unit("gpu").expect("there");
    assert_eq!(
        gpu.workgroup.map(|w| (w.invocations, w.subgroup)),
        Some((256, 16))
    );
    let kinds = |key: &str| {
        let number = soc.numbers().iter().find(|n| n.key == key);
        number.map(|n| n.kind).expect(key)
    };
    assert_eq!(kinds("unit.gpu.sync"), SourceKind::Measured);
    assert_eq!(kinds("unit.cpu-a55.power"), SourceKind::Guess);
    assert!(soc.guesses().iter().all(|g| !g.why.is_empty()));
    let shape = |name| ModelShape::from_architecture(&Architecture::load(name).expect("built in"));
    let outcome = search(&Problem {
        soc: &soc,
        target: &shape("llama-3.2-3b"),
        drafter: Some(&shape("llama-3.2-1b")),
        acceptance: &Acceptance::constant(0.8, "test".to_owned()).expect("a rate"),
        profile: None,
        options: &SearchOptions {
            drafter_dtypes: vec![spec_cost::DType::I4],
            target_dtypes: vec![spec_cost::DType::I8],
            ..SearchOptions::default()
        },
    });
    assert!(outcome.expect("a plan").best.tokens_per_second > 0.0);
}

/// The whole way on this machine, whatever it is.
#[test]
fn this_machine_has_a_device_file() {
    let options = DeviceOptions {
        name: "this".to_owned(),
        seconds: 0.01,
        buffer: Some(8 << 20),
        gpu: None,
    };
    let mut said = vec![];
    let found = gather(&options, &mut |text| said.push(text.to_owned())).expect("gathered");
    let text = to_toml(&found);
    let soc = Soc::parse(&text, "this.toml").expect(&text);
    assert!(soc.units()[0].bandwidth_one > 1e8, "{text}");
    assert!(!said.is_empty());
    let bad = DeviceOptions {
        name: "A board".to_owned(),
        ..options
    };
    assert!(gather(&bad, &mut |_| ()).is_err());
}
