//! The function itself with coalesced calls: `single_flight`, `detach`, `swr`, `stale_if_error` or a backend.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::{backend, cache, call};
use crate::model::{Checks, Flavor, Flight, Model, is_reference};
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
        let entry = backend::entry(model, home, checks);
        let sharing = model.result_policy.sharing(&model.krate);
        Self { model, flight, home, entry, sharing, is_observed: false, checks }
    }

    fn call(&self, call: &TokenStream) -> TokenStream {
        match self.model.flavor {
            Flavor::Sync => self.blocking(call),
            Flavor::Async(_) if self.flight.is_detached => self.detached(),
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
        let refresh = self.flight.has_refreshes.then(|| {
            let Apart { copies, expected, call, options } = self.apart("Refresh", "__claim");
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
        });
        quote! {
            let __lookup = #lookup;
            match __lookup {
                #variant::Hit(__hit) => __hit,
                #variant::Stale(__hit, __claim) => { #refresh __hit }
                #variant::Miss(__pending) => { #entry #copies #expected __pending.run(#sharing, #remote, || #call, #options) }
            }
        }
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
        let Self { model, entry, sharing, .. } = self;
        let krate = &model.krate;
        let (pending, remote) = (self.pending(), backend::remote(model));
        let (executor, result) = (self.flight.executor(krate), &model.result);
        let krate = krate.at(type_tokens::first_span(result));
        let carrier = quote_spanned! { type_tokens::first_span(result)=>
            let __carrier = #krate::__private::detached_result::<#result>();
        };
        let Apart { copies, expected, call, options } = self.apart("Task", "__computation");
        let (call, options, note) = (self.noted(&call), self.options(options), self.note_for_task());
        let run = quote! { __computation.run(#sharing, #remote, #call, #options) };
        // The frame of the caller is not there where the task runs.
        let (task_reads, run, recorded) = if model.lifecycle.is_tagged() {
            let krate = &model.krate;
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
        quote! {
            #carrier
            let mut __was_lost = false;
            loop {
                #pending
                let __computation = match __pending.follow(#sharing).await {
                    ::core::result::Result::Ok(__result) => return __result,
                    ::core::result::Result::Err(__computation) => __computation,
                };
                #task_reads
                let __detached = {
                    #entry
                    #copies
                    #note
                    __computation.detached(&__carrier, #executor, __was_lost, move |__computation| async move {
                        #run.await
                    })
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
        let Apart { copies, expected, call, options } = self.apart("Refresh", "__claim");
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

    /// The call of the body for a `Refresh` or a `Task`, where the variable `running` is the call.
    fn apart(&self, purpose: &str, running: &str) -> Apart {
        let Self { model, home, .. } = self;
        let krate = &model.krate;
        let copy = |number: usize| format_ident!("__argument{number}");
        let as_borrowed = |number: usize, ty: &Type| {
            let (copy, inner) = (copy(number), behind(ty));
            quote! { #krate::__private::as_borrowed #inner (&#copy) }
        };
        let has_options = model.lifecycle.has_entry_options();
        let arguments = model.typed_arguments();
        let copies = arguments.iter().enumerate().map(|(number, (ty, argument))| {
            // The compiler reports an argument that cannot be copied at its type. For that all of the call is there, with the
            // hygiene of the argument.
            let is_self = argument.to_string() == "self";
            let place = if is_self { argument.span() } else { type_tokens::first_span(ty) };
            let at = argument.span().located_at(place);
            let argument = type_tokens::each(argument.clone(), &mut |mut token| {
                token.set_span(at);
                token
            });
            let (copy, krate) = (copy(number), krate.at(at));
            if is_reference(ty) {
                let to_owned = format_ident!("ToOwnedFor{purpose}", span = at);
                return quote_spanned! { at=>
                    let #copy = #krate::__private::#to_owned::copied(#argument);
                };
            }
            // The body takes one copy; expiry or weight are computed from the other.
            let for_options = has_options.then(|| {
                let copy = format_ident!("__copy{number}");
                quote! { let #copy = ::core::clone::Clone::clone(&#argument); }
            });
            let clone = format_ident!("CloneFor{purpose}", span = at);
            quote_spanned! { at=>
                let #copy = #krate::__private::#clone::copied(&#argument);
                #for_options
            }
        });
        let reads = model.lifecycle.validity.reads(krate);
        let copies = quote! { #reads #(#copies)* };
        let passed = arguments.iter().enumerate().map(|(number, (ty, _))| {
            if is_reference(ty) { as_borrowed(number, ty) } else { quote_ident(copy(number)) }
        });
        let references = model.references(|number, _| match arguments.get(number) {
            Some((ty, _)) if is_reference(ty) => as_borrowed(number, ty),
            _ => quote_ident(format_ident!("__copy{number}")),
        });
        let options = model.lifecycle.entry_options(krate, &references);
        let running = Ident::new(running, Span::call_site());
        let expected = model.lifecycle.expected(krate, &references, &running);
        let call = call::call_with(model, home, &passed.collect::<Vec<_>>());
        Apart { copies, expected, call, options }
    }
}

/// What a refresh or a detached computation takes from the call that begins it.
struct Apart {
    /// Copies of the arguments.
    copies: TokenStream,
    /// Notes what is known of the result before the body runs.
    expected: Option<TokenStream>,
    /// The call of the body with these copies.
    call: TokenStream,
    /// The options of the result's entry.
    options: Option<TokenStream>,
}

fn quote_ident(ident: Ident) -> TokenStream {
    ident.into_token_stream()
}

/// The type behind a reference, as an argument of a type where it can be named.
fn behind(ty: &Type) -> Option<TokenStream> {
    let Type::Reference(reference) = type_tokens::bare(ty) else { return None };
    let inner = &reference.elem;
    type_tokens::impl_trait(inner).is_none().then(|| quote! { ::<#inner> })
}

/// Copies of the arguments, where functions of them decide how a result is stored.
fn copies(model: &Model) -> Option<TokenStream> {
    model.lifecycle.has_entry_options().then(|| call::copies_for_options(model))
}
