//! A queue that clients and accounts share. It prefers owners with few running jobs, then the least recently served.

use std::collections::HashMap;

/// The limits of the queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Maximum number of waiting jobs.
    pub waiting: usize,
    /// Maximum number of waiting jobs that concern one account.
    pub per_account: usize,
    /// Maximum number of running jobs of one client.
    pub running_per_source: usize,
}

/// The owner of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub source: u64,
    /// Maximum number of waiting jobs of this client.
    pub per_source: usize,
    /// The account that the job concerns, if any.
    pub account: Option<u64>,
}

/// The reason why a job is refused or removed from the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The queue is full.
    Full,
    /// The client has used up its share of the queue.
    SourceShare,
    /// The jobs that concern the account have used up its share of the queue.
    AccountShare,
    /// The job waited too long.
    Deadline,
}

impl Reason {
    /// The name in metrics and in the log.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Reason::Full => "full",
            Reason::SourceShare => "source_share",
            Reason::AccountShare => "account_share",
            Reason::Deadline => "deadline",
        }
    }
}

/// Identifies a waiting job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

#[derive(Debug)]
struct Waiting<J> {
    ticket: Ticket,
    owner: Owner,
    job: J,
}

/// The jobs of a client or an account. The queue removes the entry when no job is left.
#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    waiting: usize,
    running: usize,
    /// The turn in which a job of this client or account was last served.
    served: u64,
    /// Number of jobs refused for this share since the entry was created.
    refused: u32,
}

/// The result of adding a job.
#[derive(Debug)]
pub(super) enum Added<J> {
    /// The job waits. The caller refuses the displaced jobs with these reasons.
    Waits(Ticket, Vec<(J, Reason)>),
    /// The job is refused. The number is the count of refusals by the same limit so far.
    Refused(J, Reason, u32),
}

/// The queue. It uses neither threads nor clocks.
#[derive(Debug)]
pub(super) struct FairQueue<J> {
    bounds: Bounds,
    /// In the order of arrival.
    waiting: Vec<Waiting<J>>,
    usage: HashMap<u64, Usage>,
    tickets: u64,
    turns: u64,
    /// Number of jobs refused because the queue was full, since the queue was last empty.
    refused: u32,
}

impl<J> FairQueue<J> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            waiting: Vec::new(),
            usage: HashMap::new(),
            tickets: 0,
            turns: 0,
            refused: 0,
        }
    }

    /// Number of waiting jobs.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds a job. If a limit is reached, the newest job of the client or account with the most jobs is displaced, but
    /// only if the client or account of the new job has fewer jobs, even with the new job.
    pub(super) fn add(&mut self, owner: Owner, job: J) -> Added<J> {
        let mut displaced = Vec::new();
        match self.make_room(&owner, &mut displaced) {
            Ok(()) => {
                self.tickets += 1;
                let ticket = Ticket(self.tickets);
                self.count(&owner, |usage| usage.waiting += 1);
                self.waiting.push(Waiting { ticket, owner, job });
                for (_, gone, _) in &displaced {
                    self.forget_idle(&gone.owner);
                }
                let displaced = displaced.into_iter();
                Added::Waits(ticket, displaced.map(|(_, w, why)| (w.job, why)).collect())
            }
            Err(reason) => {
                // A job that is refused in the end displaces no other job.
                for (index, back, _) in displaced.into_iter().rev() {
                    self.count(&back.owner, |usage| usage.waiting += 1);
                    self.waiting.insert(index, back);
                }
                Added::Refused(job, reason, self.count_refusal(&owner, reason))
            }
        }
    }

    /// Counts a refusal for the limit that caused it, and returns the count.
    fn count_refusal(&mut self, owner: &Owner, reason: Reason) -> u32 {
        let key = match reason {
            Reason::SourceShare => Some(owner.source),
            Reason::AccountShare => owner.account,
            Reason::Full | Reason::Deadline => None,
        };
        let refused = match key {
            // A client or account that has used up its share has an entry.
            Some(key) => self.usage.get_mut(&key).map(|usage| &mut usage.refused),
            None => Some(&mut self.refused),
        };
        refused.map_or(0, |refused| {
            *refused = refused.saturating_add(1);
            *refused
        })
    }

    /// Removes and returns the next job, of the owner with the fewest running jobs, then the least recently served one.
    /// `None` if no job may run now.
    pub(super) fn take(&mut self) -> Option<(Owner, J)> {
        let waiting = self.waiting.iter().enumerate();
        let (next, _) = waiting
            .filter(|(_, w)| self.usage(w.owner.source).running < self.bounds.running_per_source)
            .min_by_key(|(_, w)| {
                let source = self.usage(w.owner.source);
                let account = w.owner.account.map(|a| self.usage(a)).unwrap_or_default();
                (
                    source.running.max(account.running),
                    source.served.max(account.served),
                    source.served.min(account.served),
                    w.ticket,
                )
            })?;
        let Waiting { owner, job, .. } = self.remove(next);
        self.turns += 1;
        let turn = self.turns;
        self.count(&owner, |usage| {
            usage.running += 1;
            usage.served = turn;
        });
        Some((owner, job))
    }

    /// Records that a running job has ended.
    pub(super) fn done(&mut self, owner: &Owner) {
        self.count(owner, |usage| {
            usage.running = usage.running.saturating_sub(1);
        });
        self.forget_idle(owner);
    }

    /// Withdraws a waiting job; returns `false` if it no longer waits.
    pub(super) fn withdraw(&mut self, ticket: Ticket) -> bool {
        // Jobs are in the order of arrival, so their tickets ascend.
        let Ok(index) = self.waiting.binary_search_by_key(&ticket, |w| w.ticket) else {
            return false;
        };
        let gone = self.remove(index);
        self.forget_idle(&gone.owner);
        true
    }

    /// The jobs of a client or an account.
    fn usage(&self, key: u64) -> Usage {
        self.usage.get(&key).copied().unwrap_or_default()
    }

    fn make_room(
        &mut self,
        owner: &Owner,
        displaced: &mut Vec<(usize, Waiting<J>, Reason)>,
    ) -> Result<(), Reason> {
        let mut give_way = |queue: &mut Self, why, victim: Option<usize>| {
            let index = victim.ok_or(why)?;
            displaced.push((index, queue.remove(index), why));
            Ok(())
        };
        if self.usage(owner.source).waiting >= owner.per_source {
            let of_account = |o: &Owner| o.account;
            let victim = self.holder(owner, |o| o.source == owner.source, of_account);
            give_way(self, Reason::SourceShare, victim)?;
        }
        if let Some(account) = owner.account
            && self.usage(account).waiting >= self.bounds.per_account
        {
            let of_source = |o: &Owner| o.source;
            let victim = self.holder(owner, |o| o.account == Some(account), of_source);
            give_way(self, Reason::AccountShare, victim)?;
        }
        if self.waiting.len() >= self.bounds.waiting {
            let victim = self.holder(owner, |_| true, |o| o.source);
            give_way(self, Reason::Full, victim)?;
        }
        Ok(())
    }

    /// The newest job of the largest group among the selected jobs. `None` if the group of the new job, including that
    /// job, would be as large.
    fn holder<G: std::hash::Hash + Eq + Copy>(
        &self,
        new: &Owner,
        among: impl Fn(&Owner) -> bool,
        group: impl Fn(&Owner) -> G,
    ) -> Option<usize> {
        let mut held: HashMap<G, usize> = HashMap::new();
        for w in self.waiting.iter().filter(|w| among(&w.owner)) {
            *held.entry(group(&w.owner)).or_default() += 1;
        }
        let own = held.get(&group(new)).copied().unwrap_or(0);
        let (largest, most) = held.into_iter().max_by_key(|(_, count)| *count)?;
        if most < own + 2 {
            return None;
        }
        let of_largest = |w: &Waiting<J>| among(&w.owner) && group(&w.owner) == largest;
        self.waiting.iter().rposition(of_largest)
    }

    fn remove(&mut self, index: usize) -> Waiting<J> {
        let gone = self.waiting.remove(index);
        if self.waiting.is_empty() {
            self.refused = 0;
        }
        self.count(&gone.owner, |usage| {
            usage.waiting = usage.waiting.saturating_sub(1);
        });
        gone
    }

    fn count(&mut self, owner: &Owner, change: impl Fn(&mut Usage)) {
        change(self.usage.entry(owner.source).or_default());
        if let Some(account) = owner.account {
            change(self.usage.entry(account).or_default());
        }
    }

    fn forget_idle(&mut self, owner: &Owner) {
        for key in std::iter::once(owner.source).chain(owner.account) {
            let usage = self.usage(key);
            if usage.waiting + usage.running == 0 {
                self.usage.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        waiting: 8,
        per_account: 2,
        running_per_source: 2,
    };

    /// A queue with numbers as jobs.
    fn queue() -> FairQueue<u32> {
        FairQueue::new(BOUNDS)
    }

    fn owner(source: u64, account: impl Into<Option<u64>>) -> Owner {
        Owner {
            source,
            per_source: 4,
            account: account.into().map(|a| 1000 + a),
        }
    }

    /// The displaced jobs, or the reason of the refusal.
    fn add(queue: &mut FairQueue<u32>, owner: Owner, job: u32) -> Result<Vec<u32>, Reason> {
        match queue.add(owner, job) {
            Added::Waits(_, gave_way) => Ok(gave_way.into_iter().map(|(job, _)| job).collect()),
            Added::Refused(_, reason, _) => Err(reason),
        }
    }

    #[test]
    fn refuses_a_source_that_holds_its_share_of_an_idle_queue() {
        let mut queue = queue();
        for job in 0..4 {
            assert_eq!(add(&mut queue, owner(1, None), job), Ok(vec![]));
        }
        let fifth = add(&mut queue, owner(1, None), 4);
        assert_eq!(fifth, Err(Reason::SourceShare));
        assert_eq!(add(&mut queue, owner(2, None), 5), Ok(vec![]));
    }

    #[test]
    fn counts_refusals_by_a_share_until_its_owner_has_no_jobs() {
        let mut queue = queue();
        for job in 0..4 {
            add(&mut queue, owner(1, None), job).unwrap();
        }
        for times in 1..4 {
            let refused = queue.add(owner(1, None), 9);
            assert!(matches!(refused, Added::Refused(9, _, n) if n == times));
        }
        for source in 2..4 {
            add(&mut queue, owner(source, 7), 0).unwrap();
        }
        for times in 1..4 {
            let refused = queue.add(owner(3 + u64::from(times), 7), 9);
            assert!(matches!(refused, Added::Refused(9, _, n) if n == times));
        }
        while let Some((owner, _)) = queue.take() {
            queue.done(&owner);
        }
        assert!(queue.usage.is_empty());
    }

    #[test]
    fn serves_a_new_source_before_one_that_fills_its_share() {
        let mut queue = queue();
        for job in 0..4 {
            add(&mut queue, owner(1, u64::from(job)), job).unwrap();
        }
        let (first, _) = queue.take().unwrap();
        queue.take().unwrap();
        add(&mut queue, owner(2, 9), 9).unwrap();
        queue.done(&first);
        assert_eq!(queue.take().unwrap().1, 9);
    }

    #[test]
    fn serves_a_source_with_fewer_running_jobs_first() {
        let mut queue = queue();
        for (source, job) in [(1, 10), (1, 11), (2, 20), (2, 21)] {
            add(&mut queue, owner(source, None), job).unwrap();
        }
        queue.take().unwrap();
        let (second, _) = queue.take().unwrap();
        queue.done(&second);
        // Source 1 was served before source 2, but its job still runs.
        assert_eq!(queue.take().unwrap().1, 21);
    }

    #[test]
    fn serves_another_account_before_one_with_jobs_of_many_sources() {
        let mut queue = queue();
        let flood = |source| owner(source, 7);
        add(&mut queue, flood(1), 1).unwrap();
        let (running, _) = queue.take().unwrap();
        add(&mut queue, flood(2), 2).unwrap();
        add(&mut queue, flood(3), 3).unwrap();
        add(&mut queue, owner(4, 8), 4).unwrap();
        queue.done(&running);
        assert_eq!(queue.take().unwrap().1, 4);
    }

    #[test]
    fn bounds_the_jobs_about_one_account_from_all_sources() {
        let mut queue = queue();
        for source in 1..3 {
            add(&mut queue, owner(source, 7), 0).unwrap();
        }
        let third = add(&mut queue, owner(3, 7), 3);
        assert_eq!(third, Err(Reason::AccountShare));
        assert_eq!(add(&mut queue, owner(3, 8), 4), Ok(vec![]));
    }

    #[test]
    fn displaces_the_newest_job_about_an_account_for_another_source() {
        let mut queue = queue();
        add(&mut queue, owner(1, 7), 1).unwrap();
        add(&mut queue, owner(1, 7), 2).unwrap();
        assert_eq!(add(&mut queue, owner(2, 7), 3), Ok(vec![2]));
        let again = add(&mut queue, owner(2, 7), 4);
        assert_eq!(again, Err(Reason::AccountShare));
    }

    #[test]
    fn displaces_the_newest_job_of_the_largest_source_when_the_queue_is_full() {
        let mut queue = queue();
        for job in 0..4 {
            add(&mut queue, owner(1, None), job).unwrap();
            add(&mut queue, owner(2 + u64::from(job / 2), None), 10 + job).unwrap();
        }
        assert_eq!(add(&mut queue, owner(9, None), 20), Ok(vec![3]));
        // Source 1 still has three jobs, more than the two that source 9 then has.
        assert_eq!(add(&mut queue, owner(9, None), 21), Ok(vec![2]));
        // Every client now has two jobs, so no job is displaced for a third job of source 9.
        let third = add(&mut queue, owner(9, None), 22);
        assert_eq!(third, Err(Reason::Full));
    }

    #[test]
    fn counts_refusals_of_a_full_queue_until_it_is_empty() {
        let mut queue = queue();
        let fill = |queue: &mut FairQueue<u32>| {
            for source in 0..8 {
                add(queue, owner(source, None), 0).unwrap();
            }
        };
        let refuse = |queue: &mut FairQueue<u32>| match queue.add(owner(9, None), 9) {
            Added::Refused(_, Reason::Full, times) => times,
            added => panic!("{added:?}"),
        };
        fill(&mut queue);
        assert_eq!([refuse(&mut queue), refuse(&mut queue)], [1, 2]);
        while let Some((owner, _)) = queue.take() {
            queue.done(&owner);
        }
        fill(&mut queue);
        assert_eq!(refuse(&mut queue), 1);
    }

    #[test]
    fn displaces_no_job_for_a_job_that_is_refused_in_the_end() {
        let mut queue = queue();
        // Source 1 has used up its own share; sources 2 and 3 have used up the share of account 7.
        add(&mut queue, owner(1, 5), 0).unwrap();
        add(&mut queue, owner(1, 5), 1).unwrap();
        add(&mut queue, owner(1, None), 2).unwrap();
        add(&mut queue, owner(1, None), 3).unwrap();
        add(&mut queue, owner(2, 7), 4).unwrap();
        add(&mut queue, owner(3, 7), 5).unwrap();
        let refused = add(&mut queue, owner(1, 7), 6);
        assert_eq!(refused, Err(Reason::AccountShare));
        let left: Vec<_> = queue.waiting.iter().map(|w| w.job).collect();
        assert_eq!(left, [0, 1, 2, 3, 4, 5]);
        assert_eq!(queue.usage[&1].waiting, 4);
    }

    #[test]
    fn runs_at_most_the_allowed_jobs_of_one_source() {
        let mut queue = queue();
        for job in 0..3 {
            add(&mut queue, owner(1, None), job).unwrap();
        }
        let (first, _) = queue.take().unwrap();
        queue.take().unwrap();
        assert!(queue.take().is_none());
        queue.done(&first);
        assert_eq!(queue.take().unwrap().1, 2);
    }

    #[test]
    fn withdraws_a_waiting_job_and_forgets_its_owner() {
        let mut queue = queue();
        let Added::Waits(ticket, _) = queue.add(owner(1, 7), 1) else {
            panic!("the job was refused");
        };
        assert!(queue.withdraw(ticket));
        assert!(!queue.withdraw(ticket));
        assert!(queue.usage.is_empty() && queue.len() == 0);
    }

    #[test]
    fn keeps_the_order_of_one_source() {
        let mut queue = queue();
        for job in 0..4 {
            add(&mut queue, owner(1, None), job).unwrap();
        }
        let mut order = Vec::new();
        while let Some((owner, job)) = queue.take() {
            queue.done(&owner);
            order.push(job);
        }
        assert_eq!(order, [0, 1, 2, 3]);
    }
}
