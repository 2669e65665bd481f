//! Where the drafter runs: here, or on a thread of its own that waits for tasks.

use super::drafter::{Drafter, Task};
use super::error::GenerateError;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

type Done = (Task, Result<(), GenerateError>);

/// Holds the drafter.
pub(super) enum Home {
    /// There is none, or it was lost.
    Empty,
    Here(Drafter),
    Thread(Worker),
}

/// A thread with a drafter.
pub(super) struct Worker {
    tasks: Option<SyncSender<Task>>,
    done: Receiver<Done>,
    cancel: Arc<AtomicBool>,
    /// A task was begun and its end not waited for.
    busy: bool,
    thread: Option<JoinHandle<Option<Drafter>>>,
}

impl Home {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Moves the drafter to a thread, or back.
    pub(super) fn move_to_thread(&mut self, thread: bool) -> Result<(), GenerateError> {
        match std::mem::replace(self, Self::Empty) {
            Self::Here(drafter) if thread => match Worker::new() {
                Ok((worker, door)) => {
                    *self = match door.send(drafter) {
                        Ok(()) => Self::Thread(worker),
                        Err(back) => Self::Here(back.0),
                    };
                }
                Err(error) => {
                    *self = Self::Here(drafter);
                    return Err(GenerateError::Thread(error));
                }
            },
            Self::Thread(mut worker) if !thread => {
                if let Some(drafter) = worker.close()? {
                    *self = Self::Here(drafter);
                }
            }
            same => *self = same,
        }
        Ok(())
    }

    /// Does a task, and waits for it.
    pub(super) fn run(&mut self, mut task: Task) -> Result<Task, GenerateError> {
        match self {
            Self::Empty => Err(GenerateError::NoDrafter),
            Self::Here(drafter) => {
                drafter.run(&mut task, &AtomicBool::new(false))?;
                Ok(task)
            }
            Self::Thread(_) => {
                self.begin(task)?;
                self.end()
            }
        }
    }

    /// Gives the thread a task, to be followed by [`end`](Self::end).
    pub(super) fn begin(&mut self, task: Task) -> Result<(), GenerateError> {
        let Self::Thread(worker) = self else {
            return Err(GenerateError::NoDrafter);
        };
        if std::mem::take(&mut worker.busy) {
            // The target panicked meanwhile, and the caller caught it: the result is of no use.
            let _ = worker.done.recv();
        }
        worker.cancel.store(false, Ordering::Relaxed);
        match worker.tasks.as_ref().map(|to| to.send(task).is_ok()) {
            Some(true) => {
                worker.busy = true;
                Ok(())
            }
            _ => Err(self.lost()),
        }
    }

    /// Lets the thread stop its task after the draft at hand.
    pub(super) fn cancel(&self) {
        if let Self::Thread(worker) = self {
            worker.cancel.store(true, Ordering::Relaxed);
        }
    }

    /// Waits for the task that was begun.
    pub(super) fn end(&mut self) -> Result<Task, GenerateError> {
        let Self::Thread(worker) = self else {
            return Err(GenerateError::NoDrafter);
        };
        worker.busy = false;
        match worker.done.recv() {
            Ok((task, result)) => result.map(|()| task),
            Err(_) => Err(self.lost()),
        }
    }

    /// The thread ended by itself: it can only have panicked.
    fn lost(&mut self) -> GenerateError {
        match std::mem::replace(self, Self::Empty) {
            Self::Thread(mut worker) => match worker.close() {
                Err(error) => error,
                Ok(_) => GenerateError::Panic("its thread ended".into()),
            },
            _ => GenerateError::NoDrafter,
        }
    }
}

impl Worker {
    /// Starts a thread, which takes its drafter through the door.
    fn new() -> std::io::Result<(Self, SyncSender<Drafter>)> {
        let (door, enter) = sync_channel::<Drafter>(1);
        let (tasks, next) = sync_channel::<Task>(1);
        let (report, done) = sync_channel::<Done>(1);
        let cancel = Arc::new(AtomicBool::new(false));
        let seen = cancel.clone();
        let work = move || {
            let mut drafter = enter.recv().ok()?;
            while let Ok(mut task) = next.recv() {
                // After a panic the drafter is fed from position 0 again, so what it left half done is not seen.
                let run = AssertUnwindSafe(|| drafter.run(&mut task, &seen));
                let result = catch_unwind(run)
                    .unwrap_or_else(|panic| Err(GenerateError::Panic(message(&*panic))));
                if report.send((task, result)).is_err() {
                    break;
                }
            }
            Some(drafter)
        };
        let thread = Builder::new().name("drafter".into()).spawn(work)?;
        let worker = Self {
            tasks: Some(tasks),
            done,
            cancel,
            busy: false,
            thread: Some(thread),
        };
        Ok((worker, door))
    }

    /// Ends the thread, once its task is done, and takes the drafter back.
    fn close(&mut self) -> Result<Option<Drafter>, GenerateError> {
        self.cancel.store(true, Ordering::Relaxed);
        self.tasks = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(drafter)) => Ok(drafter),
            Some(Err(panic)) => Err(GenerateError::Panic(message(&*panic))),
            None => Ok(None),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Nobody is left to be told of a panic.
        let _ = self.close();
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without a message").to_owned()
}
