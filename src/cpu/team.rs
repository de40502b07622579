//! The threads that take a step together: the one that submits it and the pool's others, which stay awake until it ends.
//!
//! A step is some hundred kernels, each of which divides its work among the cores and waits for all of it. Where a thread without work
//! goes to sleep, waking it takes 50 microseconds and more, the longer the busier the machine is and most of all in a virtual one, whose
//! processor is given away meanwhile: that is as long as many a kernel. So whoever has nothing to do in the middle of a step spins for a
//! moment, then lets whoever waits for the core have it, and sleeps only when there is nothing to do for unusually long.
//!
//! ```text
//!   units of a kernel    0 1 2 3 4 5 │ 6 7 8 9 10 11      Each member takes its own share from the front, so that
//!   member 0             ──>         │                    neighbours in memory stay on one core, then what is left of
//!   member 1                     <·· │ ───────────>       the others' from the end.
//! ```

use crate::platform;
use std::{
    cell::RefCell,
    ptr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

/// Calls `work` with each of the items, on all cores, and returns when all is done.
pub(super) fn for_each<T: Send>(items: impl IntoIterator<Item = T>, work: impl Fn(T) + Sync) {
    let items: Vec<Mutex<Option<T>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    each(items.len(), &|i| {
        if let Some(item) = items[i].lock().unwrap_or_else(PoisonError::into_inner).take() {
            work(item);
        }
    });
}

/// Calls `work` with each number below `count`, on all cores, and returns when all is done.
pub(super) fn each(count: usize, work: &(dyn Fn(usize) + Sync)) {
    if count <= 1 || rayon::current_num_threads() == 1 {
        return (0..count).for_each(work);
    }
    together(|team| team.run(count, work));
}

/// Takes a step, that is whatever `work` does with [`each`] and [`for_each`]: those who help stay awake until it returns.
pub(super) fn step<T>(work: impl FnOnce() -> T) -> T {
    together(|_| work())
}

thread_local!(static TEAM: RefCell<Option<Arc<Team>>> = const { RefCell::new(None) });

/// Runs `work` with the team of the step that this thread takes, or a new one.
fn together<T>(work: impl FnOnce(&Team) -> T) -> T {
    if let Some(team) = TEAM.with_borrow(Option::clone) {
        return work(&team);
    }

    /// Ends the step, also when it panics.
    struct End(Arc<Team>);

    impl Drop for End {
        fn drop(&mut self) {
            self.0.is_over.store(true, SeqCst);
            TEAM.set(None);
        }
    }

    let team = Arc::new(Team::new(rayon::current_num_threads()));
    for member in 1..team.shares.len() {
        let team = team.clone();
        rayon::spawn(move || team.help(member));
    }
    TEAM.set(Some(team.clone()));
    work(&End(team).0)
}

/// See the module.
struct Team {
    /// What is left of each member's part of the present kernel.
    shares: Box<[Share]>,
    /// The present kernel. Valid for whoever has taken a unit until that is counted as done.
    kernel: AtomicPtr<Kernel<'static>>,
    /// Units of it that are not done.
    pending: AtomicUsize,
    /// What a unit panicked with.
    panic: Mutex<Option<String>>,
    is_over: AtomicBool,
}

/// A kernel's work, which lies on the stack of the thread that takes the step.
struct Kernel<'a> {
    work: &'a (dyn Fn(usize) + Sync),
    count: usize,
    /// Numbers that make a unit.
    unit: usize,
}

/// The units from `next` up to `end`, as the number of the kernel in this step, `next` and `end` in 32, 16 and 16 bits. On a line of
/// the cache of its own, for one thread writes it most of the time.
#[repr(align(128))]
struct Share(AtomicU64);

const NEXT: u64 = 1 << 16;
const MAX_UNITS: usize = u16::MAX as usize;

impl Share {
    /// Takes the first unit, as the share's own member does, or the last, if it is one of kernel `of`. Where there is none, gives the number
    /// of the kernel that the share is of.
    fn take(&self, of: Option<u64>, kernel: &AtomicPtr<Kernel<'static>>) -> Result<(usize, *const Kernel<'static>), u64> {
        let first = of.is_none();
        let mut share = self.0.load(SeqCst);
        loop {
            let (next, end) = (share >> 16 & 0xffff, share & 0xffff);
            if next == end || of.is_some_and(|of| of != share >> 32) {
                return Err(share >> 32);
            }
            let kernel = kernel.load(SeqCst);
            let (unit, rest) = if first { (next, share + NEXT) } else { (end - 1, share - 1) };
            // It succeeds only if the share is still of the kernel that was read: the next one is put in its place after all units of
            // this one, those of this share too, are done.
            match self.0.compare_exchange_weak(share, rest, SeqCst, SeqCst) {
                Ok(_) => return Ok((unit as usize, kernel)),
                Err(now) => share = now,
            }
        }
    }
}

impl Team {
    fn new(threads: usize) -> Self {
        Self {
            shares: (0..threads).map(|_| Share(AtomicU64::new(0))).collect(),
            kernel: AtomicPtr::new(ptr::null_mut()),
            pending: AtomicUsize::new(0),
            panic: Mutex::new(None),
            is_over: AtomicBool::new(false),
        }
    }

    /// Runs a kernel, as member 0.
    fn run(&self, count: usize, work: &(dyn Fn(usize) + Sync)) {
        // Within a unit of this team's there is nobody to share with.
        if self.pending.load(SeqCst) > 0 {
            return (0..count).for_each(work);
        }
        let unit = count.div_ceil(MAX_UNITS);
        let units = count.div_ceil(unit);
        let kernel = Kernel { work, count, unit };
        self.kernel.store(ptr::from_ref(&kernel).cast_mut().cast(), SeqCst);
        self.pending.store(units, SeqCst);
        let members = self.shares.len();
        for (member, share) in self.shares.iter().enumerate() {
            let number = (share.0.load(SeqCst) >> 32).wrapping_add(1) << 32;
            let (first, end) = (units * member / members, units * (member + 1) / members);
            share.0.store(number | (first as u64 * NEXT) | end as u64, SeqCst);
        }
        while self.take(0) {}
        let mut idle = Idle::default();
        while self.pending.load(SeqCst) > 0 {
            idle.wait();
        }
        let panic = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(text) = panic {
            panic!("{text}");
        }
    }

    /// Takes units until the step is over.
    fn help(&self, member: usize) {
        let mut idle = Idle::default();
        while !self.is_over.load(SeqCst) {
            if self.take(member) {
                idle = Idle::default();
            } else {
                idle.wait();
            }
        }
    }

    /// Does a unit; false where none is left.
    fn take(&self, member: usize) -> bool {
        let members = self.shares.len();
        let others = (1..members).map(|i| (member + i) % members);
        let own = self.shares[member].take(None, &self.kernel);
        // Only of the kernel whose own share is done: others get theirs of the next one moments before this member does, who would begin with
        // the end of those, and two would work side by side in memory, each in the other's way.
        let of_another = |number| others.filter_map(|i| self.shares[i].take(Some(number), &self.kernel).ok()).next().ok_or(number);
        let Ok((unit, kernel)) = own.or_else(of_another) else {
            return false;
        };
        // SAFETY: `run` does not return, so that the kernel lives, before `pending` counts this unit as done.
        #[allow(unsafe_code, reason = "threads that outlive a kernel cannot borrow it")]
        let Kernel { work, count, unit: size } = unsafe { &*kernel };
        let numbers = unit * size..((unit + 1) * size).min(*count);
        if let Err(text) = platform::catch_panic(|| numbers.for_each(work)) {
            self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
        }
        self.pending.fetch_sub(1, SeqCst);
        true
    }
}

/// How long a thread has had nothing to do.
#[derive(Default)]
struct Idle(u32);

impl Idle {
    /// Spins for about 20 microseconds, then lets others have the core; after a millisecond or so of that, sleeps.
    fn wait(&mut self) {
        const SPINS: u32 = 1000;
        const YIELDS: u32 = 3000;
        self.0 = self.0.saturating_add(1);
        if self.0 < SPINS {
            std::hint::spin_loop();
        } else if self.0 < YIELDS {
            platform::give_way();
        } else {
            platform::rest(Duration::from_micros(50));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// How often `each` calls with each number.
    fn calls(count: usize) -> Vec<usize> {
        let calls: Vec<_> = (0..count).map(|_| AtomicUsize::new(0)).collect();
        each(count, &|i| _ = calls[i].fetch_add(1, SeqCst));
        calls.into_iter().map(AtomicUsize::into_inner).collect()
    }

    #[test]
    fn every_number_has_its_turn_once() {
        for threads in [1, 2, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| {
                for count in [0, 1, 2, 3, 8, 100, MAX_UNITS, MAX_UNITS + 1, 200_000] {
                    assert!(calls(count).iter().all(|calls| *calls == 1), "{threads} threads, {count}");
                }
                // A step's kernels one after the other, as fast as they come.
                step(|| (0..3000).for_each(|i| assert!(calls(i % 29).iter().all(|calls| *calls == 1), "{threads} threads, {i}")));
            });
        }
    }

    #[test]
    fn steps_at_once_and_within_units() {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        step(|| {
                            let inner = AtomicUsize::new(0);
                            each(9, &|_| each(5, &|_| _ = inner.fetch_add(1, SeqCst)));
                            assert_eq!(inner.into_inner(), 45);
                        });
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_reaches_the_caller_when_all_units_are_done() {
        let done = AtomicUsize::new(0);
        let work = |i: usize| {
            assert!(i != 13, "unit 13");
            done.fetch_add(1, SeqCst);
        };
        let text = step(|| {
            let text = platform::catch_panic(|| each(40, &work));
            assert_eq!(calls(17), vec![1; 17], "the next kernel");
            text
        });
        assert!(text.is_err_and(|text| text.contains("unit 13")));
        assert!(done.into_inner() < 40);
    }

    #[test]
    fn who_has_no_share_of_a_kernel_yet_waits_for_it() {
        let done = Mutex::new(Vec::new());
        let kernel = Kernel { work: &|unit| done.lock().expect("done").push(unit), count: 4, unit: 1 };
        let team = Team::new(2);
        team.kernel.store(ptr::from_ref(&kernel).cast_mut().cast(), SeqCst);
        team.pending.store(4, SeqCst);
        team.shares[0].0.store((1 << 32) | 2, SeqCst);
        assert!(!team.take(1), "member 1 is of the kernel before");
        team.shares[1].0.store((1 << 32) | (2 * NEXT) | 4, SeqCst);
        while team.take(1) {}
        assert_eq!(done.into_inner().expect("done"), [2, 3, 1, 0], "its own, then what is left of the other's");
    }

    #[test]
    fn items_go_to_the_work() {
        let mut values = vec![0; 1000];
        for_each(values.chunks_mut(7).enumerate(), |(i, chunk)| chunk.fill(i));
        assert!(values.iter().enumerate().all(|(i, value)| *value == i / 7));
    }
}
