//! The function itself with coalesced calls: `single_flight`, `detach`, `swr`, `stale_if_error`, `stale_if_slow` or a
//! backend.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};

use super::apart::{Apart, Purpose};
use super::{backend, cache, call};
use crate::model::{Checks, Flavor, Flight, Model};
use crate::type_tokens;

/// Looks up the result; on a miss computes it, or waits for the call that does. `call` calls the body.
pub(super) fn coalesced_call(
    model: &Model,
    flight: &Flight,
    home: &TokenStream,
    call: &TokenStream,
) -> TokenStream {
    Coalesced::new(model, flight, home, Checks::Reported).call(call)
}

/// Like [`coalesced_call`], but evaluates to a `Cached` result: with its source and its age.
pub(super) fn observed_call(
    model: &Model,
    flight: &Flight,
    home: &TokenStream,
    call: &TokenStream,
) -> TokenStream {
    let krate = &model.krate;
    let coalesced = Coalesced { is_observed: true, ..Coalesced::new(model, flight, home, Checks::Assumed) };
    let (cached_call, result) = (coalesced.call(call), &model.result);
    // The call returns early where it hits.
    let cached_call = match model.flavor {
        Flavor::Sync => quote! { { #cached_call } },
        Flavor::Async(_) => {
            let early = call::early_return(result);
            quote! { async { #early #cached_call }.await }
        }
    };
    let result_policy = call::result_policy(model, Checks::Assumed);
    quote! {
        let __observed = #krate::__private::Observed::new();
        let __result: #result = #cached_call;
        __observed.cached(__result, #result_policy)
    }
}

/// The parts of a coalesced call.
struct Coalesced<'a> {
    model: &'a Model,
    flight: &'a Flight,
    /// The type that has the accessors.
    home: &'a TokenStream,
    /// Binds the entry of the backend, where there is one.
    entry: Option<TokenStream>,
    /// The way in which followers get a result that is not stored.
    sharing: TokenStream,
    /// Whether `__observed` notes where the result comes from.
    is_observed: bool,
    checks: Checks,
}

impl<'a> Coalesced<'a> {
    fn new(model: &'a Model, flight: &'a Flight, home: &'a TokenStream, checks: Checks) -> Self {
        let found = backend::found(model);
        let entry = backend::entry(model, home, checks).map(|entry| quote! { #entry #found });
        let sharing = model.result_policy.sharing(&model.krate);
        Self { model, flight, home, entry, sharing, is_observed: false, checks }
    }

    fn call(&self, call: &TokenStream) -> TokenStream {
        match self.model.flavor {
            Flavor::Sync if self.flight.is_limited() => self.blocking_within(),
            Flavor::Sync => self.blocking(call),
            Flavor::Async(_) if self.flight.is_detached || self.flight.is_limited() => self.detached(),
            Flavor::Async(_) => self.awaited(call),
        }
    }

    /// Notes that a call of the body has returned.
    fn noted(&self, call: &TokenStream) -> TokenStream {
        match (self.is_observed, self.model.flavor) {
            (false, _) => call.clone(),
            (true, Flavor::Sync) => quote! { __observed.computed(#call) },
            (true, Flavor::Async(_)) => quote! { ::core::clone::Clone::clone(&__observed).computing(#call) },
        }
    }

    /// The function that returns the options of a result's entry.
    fn options(&self, options: Option<TokenStream>) -> TokenStream {
        if !self.is_observed {
            return call::options_function(self.model, options);
        }
        let krate = &self.model.krate;
        let options = options.unwrap_or_else(|| quote! { #krate::__private::EntryOptions::NONE });
        quote! { |__lifecycle, __value| { __observed.judged(); #options } }
    }

    /// Gives a task a note of its own.
    fn note_for_task(&self) -> Option<TokenStream> {
        self.is_observed.then(|| quote! { let __observed = ::core::clone::Clone::clone(&__observed); })
    }

    fn blocking(&self, call: &TokenStream) -> TokenStream {
        let Self { model, entry, sharing, .. } = self;
        let (copies, options) = (copies(model), self.options(call::entry_options(model)));
        let (call, expected) = (self.noted(call), call::expected(model, "__pending"));
        let (lookup, remote, variant) = (self.lookup(), backend::remote(model), self.variant());
        let refresh = self.refresh_in_background();
        quote! {
            let __lookup = #lookup;
            match __lookup {
                #variant::Hit(__hit) => __hit,
                #variant::Stale(__hit, __claim) => { #refresh __hit }
                #variant::Miss(__pending) => { #entry #copies #expected __pending.run(#sharing, #remote, || #call, #options) }
            }
        }
    }

    /// Refreshes a stale result on a thread.
    fn refresh_in_background(&self) -> Option<TokenStream> {
        let Self { model, entry, sharing, .. } = self;
        self.flight.has_refreshes.then(|| {
            let Apart { copies, expected, call, options } =
                Apart::new(model, self.home, Purpose::Refresh, "__claim");
            let options = call::options_function(model, options);
            let remote = backend::lenient(model);
            quote! {
                if let ::core::option::Option::Some(__claim) = __claim {
                    #entry
                    #copies
                    __claim.in_background(move |__claim| {
                        #expected
                        ::core::mem::drop(__claim.refresh(#sharing, #remote, || #call, #options));
                    });
                }
            }
        })
    }

    /// Computes on a background thread where a stale result can be returned when the call's time is over.
    fn blocking_within(&self) -> TokenStream {
        let Self { model, entry, sharing, .. } = self;
        let (lookup, remote, variant) = (self.lookup(), backend::remote(model), self.variant());
        let (refresh, instead) = (self.refresh_in_background(), self.instead());
        let Apart { copies, expected, call, options } =
            Apart::new(model, self.home, Purpose::Background, "__computation");
        let (call, options, note) = (self.noted(&call), self.options(options), self.note_for_task());
        let carrier = self.carrier();
        quote! {
            #instead
            let __lookup = #lookup;
            let __found = match __lookup {
                #variant::Hit(__hit) => ::core::result::Result::Ok(__hit),
                #variant::Stale(__hit, __claim) => { #refresh ::core::result::Result::Ok(__hit) }
                #variant::Miss(__pending) => __pending.follow_blocking(#sharing, &__instead),
            };
            match __found {
                ::core::result::Result::Ok(__result) => __result,
                ::core::result::Result::Err(__computation) => {
                    #carrier
                    #entry
                    #copies
                    #note
                    __computation.run_within(
                        &__carrier,
                        move |__computation| {
                            #expected
                            __computation.run_blocking(#sharing, #remote, || #call, #options)
                        },
                        &__instead,
                    )
                }
            }
        }
    }

    /// Binds what returns the stale result when the call's time is over.
    fn instead(&self) -> TokenStream {
        let Self { model, flight, home, .. } = self;
        let (handle, key, result_policy) = (
            cache::handle(model, home),
            cache::key(model, home, Checks::Assumed),
            call::result_policy(model, Checks::Assumed),
        );
        let flight = flight.value(&model.plain_name(), &model.krate);
        let noted = self.is_observed.then(|| quote! { .inspect(|_| __observed.answered_late()) });
        quote! { let __instead = || #handle.stale_if_slow(#key, #result_policy, #flight) #noted; }
    }

    /// Binds the right to send results from the background.
    fn carrier(&self) -> TokenStream {
        let (krate, result) = (&self.model.krate, &self.model.result);
        let at = type_tokens::first_span(result);
        let krate = krate.at(at);
        let carrier = if self.flight.is_detached { "detached_result" } else { "background_result" };
        let carrier = Ident::new(carrier, at);
        quote_spanned! { at=> let __carrier = #krate::__private::#carrier::<#result>(); }
    }

    // No result is held across an await: an error in it need not be `Send`.
    fn awaited(&self, call: &TokenStream) -> TokenStream {
        let Self { model, entry, sharing, .. } = self;
        let (copies, options) = (copies(model), self.options(call::entry_options(model)));
        let (call, expected) = (self.noted(call), call::expected(model, "__pending"));
        let (pending, remote) = (self.pending(), backend::remote(model));
        quote! {
            #pending
            #entry
            #copies
            #expected
            __pending.run_async(#sharing, #remote, #call, #options).await
        }
    }

    /// Runs the computation as a task. It is begun again if the executor drops it.
    fn detached(&self) -> TokenStream {
        let Self { model, flight, entry, sharing, .. } = self;
        let krate = &model.krate;
        let (pending, remote, carrier) = (self.pending(), backend::remote(model), self.carrier());
        let executor = flight.executor(krate);
        let purpose = if flight.is_detached { Purpose::Task } else { Purpose::Background };
        let Apart { copies, expected, call, options } =
            Apart::new(model, self.home, purpose, "__computation");
        let (call, options, note) = (self.noted(&call), self.options(options), self.note_for_task());
        let run = quote! { __computation.run(#sharing, #remote, #call, #options) };
        // The frame of the caller is not there where the task runs.
        let (task_reads, run, recorded) = if model.lifecycle.is_tagged() {
            (
                Some(quote! {
                    let __task_reads = #krate::__private::TaskReads::new();
                    let __reads_of_task = __task_reads.of_task();
                }),
                quote! { __reads_of_task.of(async move { #expected #run.await }) },
                Some(quote! { __task_reads.record(); }),
            )
        } else {
            (None, run, None)
        };
        let instead = flight.is_limited().then(|| self.instead());
        let followed = if flight.is_limited() {
            quote! { follow_or(#sharing, &__instead) }
        } else {
            quote! { follow(#sharing) }
        };
        let detached = match (flight.is_detached, flight.is_limited()) {
            (_, false) => quote! { detached },
            (true, true) => quote! { detached_within },
            (false, true) => quote! { limited },
        };
        let limited = instead.as_ref().map(|_| quote! { , &__instead });
        quote! {
            #carrier
            let mut __was_lost = false;
            loop {
                #pending
                #instead
                let __computation = match __pending.#followed.await {
                    ::core::result::Result::Ok(__result) => return __result,
                    ::core::result::Result::Err(__computation) => __computation,
                };
                #task_reads
                let __detached = {
                    #entry
                    #copies
                    #note
                    __computation.#detached(&__carrier, #executor, __was_lost, move |__computation| async move {
                        #run.await
                    } #limited)
                };
                if let ::core::option::Option::Some(__result) = __detached.await {
                    #recorded
                    return __result;
                }
                __was_lost = true;
            }
        }
    }

    /// Looks up the result of an async call, and returns it. Binds `__pending` if none is found.
    fn pending(&self) -> TokenStream {
        let (lookup, variant) = (self.lookup(), self.variant());
        if !self.flight.has_refreshes {
            return quote! {
                let __pending = match #lookup {
                    #variant::Hit(__hit) | #variant::Stale(__hit, _) => return __hit,
                    #variant::Miss(__pending) => __pending,
                };
            };
        }
        let spawned = self.spawned();
        // Where no executor takes the refresh, this call awaits it and looks up the result again: in one
        // place, since a closure among the options has another type in each.
        quote! {
            let mut __is_repeated = false;
            let __pending = loop {
                let __task = match #lookup {
                    #variant::Hit(__hit) | #variant::Stale(__hit, ::core::option::Option::None) => return __hit,
                    #variant::Stale(__hit, ::core::option::Option::Some(__claim)) => match #spawned {
                        ::core::option::Option::None => return __hit,
                        ::core::option::Option::Some(__task) => __task,
                    },
                    #variant::Miss(__pending) => break __pending,
                };
                __task.await;
                __is_repeated = true;
            };
        }
    }

    fn lookup(&self) -> TokenStream {
        let Self { model, flight, home, .. } = self;
        let (handle, key, result_policy) = (
            cache::handle(model, home),
            cache::key(model, home, self.checks),
            call::result_policy(model, self.checks),
        );
        // Only a call that may await a refresh looks up its result again.
        let may_repeat = matches!(model.flavor, Flavor::Async(_)) && flight.has_refreshes;
        let flight = flight.value(&model.plain_name(), &model.krate);
        if self.is_observed {
            let is_repeated = if may_repeat {
                quote! { __is_repeated }
            } else {
                quote! { false }
            };
            quote! { #handle.begin_observed(#key, #result_policy, #flight, #is_repeated, &__observed) }
        } else if may_repeat {
            quote! { #handle.begin_again(#key, #result_policy, #flight, __is_repeated) }
        } else {
            quote! { #handle.begin(#key, #result_policy, #flight) }
        }
    }

    fn variant(&self) -> TokenStream {
        let krate = &self.model.krate;
        quote! { #krate::__private::CoalescedLookup }
    }

    /// Spawns a refresh on the executor; evaluates to the task that the executor does not take.
    fn spawned(&self) -> TokenStream {
        let Self { model, flight, entry, sharing, .. } = self;
        let (executor, remote) = (flight.executor(&model.krate), backend::lenient(model));
        let Apart { copies, expected, call, options } =
            Apart::new(model, self.home, Purpose::Refresh, "__claim");
        let options = call::options_function(model, options);
        quote! {
            {
                #entry
                #copies
                __claim.spawned(#executor, move |__claim| async move {
                    #expected
                    ::core::mem::drop(__claim.refresh_async(#sharing, #remote, #call, #options).await);
                })
            }
        }
    }
}

/// Copies of the arguments, where functions of them decide how a result is stored.
fn copies(model: &Model) -> Option<TokenStream> {
    model.lifecycle.has_entry_options().then(|| call::copies_for_options(model))
}
