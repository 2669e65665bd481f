//! The program, step by step: prompt, bundle, generation, report.

use crate::args::Cli;
use crate::assemble::{How, assemble};
use crate::compare::{self, Comparison, Way};
use crate::error::RunError;
use crate::generation::{Ended, Run, Watch, generate};
use crate::interrupt;
use crate::meter::{self, Meter};
use crate::output::Output;
use crate::plan;
use crate::prompt::Prompt;
use crate::replan::Replan;
use crate::table;
use crate::trace;
use spec_runtime::generate::{
    Asked, AskedLength, Decided, Drafting, Generator, Offer, Schedule, Settings,
};
use spec_runtime::manifest::{FILE_NAME, Plan, Role};
use spec_runtime::model::{InstanceOptions, LoadOptions, Loaded, VulkanOptions};
use spec_runtime::sampling::Sampling;
use spec_text::{Chat, Decoder, Form, Words};
use std::fs::File;
use std::io::{Write, stderr, stdout};
use std::path::Path;
use std::sync::Arc;

/// Most tokens of the runs that warm up a comparison.
const WARM_TOKENS: usize = 8;

/// Does what the command line asks for. The exit code.
///
/// # Errors
/// Anything that keeps it from that.
pub fn run(cli: &Cli) -> Result<u8, RunError> {
    interrupt::watch()?;
    let prompt = Prompt::read(&cli.prompt)?;
    let time_line = cli.time_line.as_deref().map(create).transpose()?;
    if !cli.bundle.join(FILE_NAME).exists() {
        Loaded::open(&cli.bundle, &load_options(cli))?; // says what is missing
    }
    let words = Words::open(&cli.bundle)?;
    let prompt = match prompt {
        Prompt::Text(text) => {
            let form = match cli.chat {
                true => Form::Chat(Chat::default()),
                false => Form::Plain,
            };
            words.encode(&cli.bundle, &text, form)?
        }
        Prompt::Tokens(tokens) => tokens,
    };
    let loaded = Loaded::open(&cli.bundle, &load_options(cli))?;
    let replan = Replan::new(cli, &loaded, prompt.len())?;
    let planned = match &replan {
        Some(made) => Some(&made.plan),
        None => loaded.manifest().plan.as_ref(),
    };
    let decoding = decide(cli, &loaded, planned, replan.as_ref())?;
    let settings = settings(cli, &decoding, &words);
    // a plan made here promises a speed-up over the target as it is
    let baseline = planned.filter(|_| cli.compare.is_some() && replan.is_none());
    let mut engine = Engine::new(&loaded, &decoding, baseline.and_then(plan::baseline_cores))?;
    let mut out = Output::new(stdout());
    let mut decoder = words.decoder();
    let mut job = Job {
        prompt: &prompt,
        settings: &settings,
        out: &mut out,
        decoder: &mut decoder,
        stream: !cli.json,
        meter: Meter::open(Path::new(meter::ROOT)),
        trace: cli.time_line.as_ref().map(|_| vec![]),
    };
    interrupt::generating();
    let (shown, comparison) = match cli.compare {
        None => (job.run(&mut engine.generator, &settings, true)?, None),
        Some(pairs) => {
            let comparison = job.compare(&mut engine, pairs.into())?;
            let Comparison {
                pairs,
                shown,
                ended_early,
            } = comparison;
            (shown, Some((pairs, ended_early)))
        }
    };
    let trace = job.trace.take();
    if let (Some((mut file, path)), Some(rounds)) = (time_line, trace) {
        let written = writeln!(file, "{}", trace::document(&rounds));
        written.map_err(|source| unwritable(path, source))?;
    }
    let ended = comparison
        .as_ref()
        .map_or(Some(shown.ended), |(_, early)| *early);
    if ended == Some(Ended::Closed) {
        return Ok(0);
    }
    let text = (words.has_tokenizer()).then(|| decoder.text().to_owned());
    let how = How {
        decoding: &decoding,
        settings: &settings,
        planned,
        replan: replan.as_ref(),
        plain_cores: engine.plain_cores,
    };
    let report = assemble(cli, &loaded, &how, &shown, text, comparison)?;
    if cli.json {
        out.write(&report.json())?;
    } else {
        out.write("\n")?;
        if !cli.quiet {
            let _ = write!(stderr(), "\n{}", table::table(&report, cli.verbose));
        }
    }
    validation(&loaded)?;
    Ok(match ended {
        Some(Ended::Interrupted) => interrupt::EXIT_CODE,
        _ => 0,
    })
}

fn load_options(cli: &Cli) -> LoadOptions {
    let machine = &cli.machine;
    let vulkan = VulkanOptions {
        device: machine.vulkan_device.clone(),
        validation: machine.validate,
        ..VulkanOptions::default()
    };
    LoadOptions {
        threads: machine.threads.map(usize::from),
        cores: machine
            .cores
            .as_ref()
            .map(|c| c.0.clone())
            .unwrap_or_default(),
        pin: !machine.no_pin,
        huge_pages: !machine.mmap,
        vulkan: Some(vulkan),
        ..LoadOptions::default()
    }
}

fn decide(
    cli: &Cli,
    loaded: &Loaded,
    planned: Option<&Plan>,
    replan: Option<&Replan>,
) -> Result<Decided, RunError> {
    let mut offer = Offer::new(loaded, planned);
    let length = cli.draft_length.0;
    if let (Some(replan), AskedLength::Auto { .. }) = (replan, length) {
        offer.prior = replan.prior()?;
    }
    let asked = Asked {
        length,
        schedule: cli.schedule.asked(),
    };
    let decided =
        spec_runtime::generate::decide(&offer, asked).map_err(|length| RunError::NoDrafter {
            bundle: cli.bundle.clone(),
            length: length.0,
        })?;
    if cli.compare.is_some() && decided.drafting.is_plain() {
        let why = match length {
            AskedLength::Plan => " (so the plan says)",
            AskedLength::Auto { .. } => ", as there is no drafter",
            _ => "",
        };
        return Err(RunError::NothingToCompare { why });
    }
    Ok(decided)
}

fn settings(cli: &Cli, decoding: &Decided, words: &Words) -> Settings {
    let asked = &cli.sampling;
    let sampling = match asked.temperature == 0.0 {
        true => Sampling::Greedy,
        false => Sampling::Random {
            temperature: asked.temperature,
            top_k: asked.top_k,
            top_p: asked.top_p,
        },
    };
    Settings {
        max_tokens: cli.max_tokens,
        stop: words.eos().to_vec(),
        sampling,
        drafting: decoding.drafting.clone(),
        schedule: decoding.schedule,
        seed: asked.seed,
    }
}

/// The models, ready to generate.
struct Engine {
    generator: Generator,
    /// For plain decoding on another number of cores.
    plain: Option<Generator>,
    plain_cores: Option<usize>,
}

impl Engine {
    /// `plain_cores`: those of plain decoding, if others than the target's.
    fn new(
        loaded: &Arc<Loaded>,
        decoding: &Decided,
        plain_cores: Option<usize>,
    ) -> Result<Self, RunError> {
        let target = loaded.instance(Role::Target, None)?;
        let drafts = !decoding.drafting.is_plain();
        let drafter = match drafts {
            true => {
                let apart = decoding.schedule == Schedule::Overlapped;
                let options = InstanceOptions {
                    apart,
                    ..InstanceOptions::default()
                };
                Some(loaded.instance_with(Role::Drafter, &options)?)
            }
            false => None,
        };
        let on_cpu = loaded.cores(Role::Target) > 0;
        let plain_cores = plain_cores.filter(|_| on_cpu);
        let plain = match plain_cores {
            None => None,
            cores => Some(Generator::new(loaded.instance(Role::Target, cores)?, None)?),
        };
        Ok(Self {
            generator: Generator::new(target, drafter)?,
            plain,
            plain_cores,
        })
    }
}

/// What one run after the other needs.
struct Job<'a, 'b, W> {
    prompt: &'a [u32],
    settings: &'a Settings,
    out: &'a mut Output<W>,
    decoder: &'a mut Decoder<'b>,
    /// Whether text goes out as it comes.
    stream: bool,
    meter: Option<Meter>,
    trace: Option<Vec<spec_runtime::stats::RoundStats>>,
}

impl<W: Write> Job<'_, '_, W> {
    /// One run. `first`: it is the one whose text is shown, and whose rounds are kept.
    fn run(
        &mut self,
        generator: &mut Generator,
        settings: &Settings,
        first: bool,
    ) -> Result<Run, RunError> {
        let stop = &self.settings.stop;
        let mut sink = |tokens: &[u32]| {
            if !first {
                return Ok(true);
            }
            let shown = tokens.iter().filter(|t| !stop.contains(t));
            let text: String = shown.map(|t| self.decoder.push(*t)).collect();
            if self.stream {
                self.out.write(&text)
            } else {
                Ok(true)
            }
        };
        let watch = Watch {
            sink: &mut sink,
            interrupted: &interrupt::interrupted,
            meter: self.meter.as_ref(),
            trace: self.trace.as_mut().filter(|_| first),
        };
        let run = generate(generator, self.prompt, settings, watch)?;
        if first {
            let rest = self.decoder.finish();
            if self.stream {
                self.out.write(&rest)?;
            }
        }
        Ok(run)
    }

    fn compare(&mut self, engine: &mut Engine, pairs: usize) -> Result<Comparison, RunError> {
        let plain = Settings {
            drafting: Drafting::Fixed(0),
            schedule: Schedule::Sequential,
            ..self.settings.clone()
        };
        let speculative = self.settings.clone();
        let mut first = true;
        compare::compare(pairs, speculative.sampling.is_greedy(), |way, warm| {
            let (generator, settings) = match way {
                Way::Speculative => (&mut engine.generator, &speculative),
                Way::Plain => (
                    engine.plain.as_mut().unwrap_or(&mut engine.generator),
                    &plain,
                ),
            };
            if warm {
                let max_tokens = settings.max_tokens.min(WARM_TOKENS);
                let settings = Settings {
                    max_tokens,
                    ..settings.clone()
                };
                return self.run(generator, &settings, false);
            }
            let shown = way == Way::Speculative && std::mem::take(&mut first);
            self.run(generator, settings, shown)
        })
    }
}

/// A file to write, before anything else is done.
fn create(path: &Path) -> Result<(File, &Path), RunError> {
    let file = File::create(path).map_err(|source| unwritable(path, source))?;
    Ok((file, path))
}

fn unwritable(path: &Path, source: std::io::Error) -> RunError {
    RunError::Write {
        name: path.display().to_string(),
        source,
    }
}

/// # Errors
/// The validation layer said something.
fn validation(loaded: &Loaded) -> Result<(), RunError> {
    let messages = loaded.messages();
    for message in &messages {
        let _ = writeln!(stderr(), "validation: {message}");
    }
    match messages.len() {
        0 => Ok(()),
        n => Err(RunError::Validation(n)),
    }
}
