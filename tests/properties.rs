//! `#[cached_property]`: a value that is computed once for each object, and kept in a field.

#![allow(clippy::float_cmp, reason = "the values are exact")]

use std::cell::{Cell, OnceCell};
use std::num::ParseIntError;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Barrier, OnceLock};
use std::task::{Context, Poll, Waker};
use std::thread;

use functools::cached_property;

fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

#[derive(Clone, Default)]
struct Shape {
    width: f64,
    runs: Cell<u32>,
    area: OnceCell<f64>,
    half: OnceCell<f64>,
    name: OnceCell<String>,
    sides: Box<OnceCell<Vec<u32>>>,
    word: OnceCell<Option<String>>,
    label: OnceCell<&'static str>,
    shared: Rc<OnceCell<Rc<str>>>,
}

impl Shape {
    fn new(width: f64) -> Self {
        Self { width, ..Self::default() }
    }

    fn run(&self) {
        self.runs.set(self.runs.get() + 1);
    }

    #[cached_property(self.area)]
    fn area(&self) -> &f64 {
        self.run();
        self.width * self.width
    }

    /// Half of the width, or nothing.
    #[cached_property(self.half)]
    #[must_use]
    fn half(&self) -> f64 {
        #![allow(clippy::needless_return)]
        self.run();
        if self.width < 0.0 {
            return 0.0;
        }
        return self.width / 2.0;
    }

    #[cached_property(self.name)]
    fn name(&self) -> &str {
        self.run();
        format!("{}", self.area())
    }

    #[cached_property(self.sides)]
    fn sides(&self) -> &[u32] {
        vec![1, 2]
    }

    #[cached_property(self.word)]
    fn word(&self) -> Option<&str> {
        self.run();
        (self.width > 5.0).then(|| "large".to_owned())
    }

    #[cached_property(self.label)]
    fn label(&self) -> &'static str {
        "shape"
    }

    #[cached_property(self.shared)]
    fn shared(self: &Rc<Self>) -> Rc<str> {
        self.run();
        "shared".into()
    }
}

#[test]
fn value_is_computed_once_for_each_object() {
    let (shape, other) = (Shape::new(3.0), Shape::new(4.0));
    assert_eq!((shape.area(), shape.area(), other.area()), (&9.0, &9.0, &16.0));
    assert_eq!((shape.runs.get(), other.runs.get()), (1, 1));
}

#[test]
fn value_may_be_returned_as_clone_reference_or_content() {
    let shape = Rc::new(Shape::new(3.0));
    assert_eq!((shape.half(), shape.half(), shape.runs.get()), (1.5, 1.5, 1));
    assert_eq!((shape.name(), shape.sides(), shape.label()), ("9", &[1, 2][..], "shape"));
    assert!(Rc::ptr_eq(&shape.shared(), &shape.shared()));
}

#[test]
fn none_is_kept() {
    let shape = Shape::new(1.0);
    assert_eq!((shape.word(), shape.word(), shape.runs.get()), (None, None, 1));
    assert_eq!(Shape::new(6.0).word(), Some("large"));
}

#[test]
fn taken_value_is_computed_anew() {
    let mut shape = Shape::new(3.0);
    assert_eq!(shape.area.get(), None);
    shape.area();
    shape.width = 4.0;
    assert_eq!(shape.area(), &9.0);
    assert_eq!(shape.area.take(), Some(9.0));
    assert_eq!(shape.area(), &16.0);
}

#[test]
fn clone_of_the_object_has_the_value() {
    let shape = Shape::new(3.0);
    shape.area();
    let copy = shape.clone();
    assert_eq!((copy.area(), copy.runs.get()), (&9.0, 1));
}

#[derive(Default)]
struct Settings {
    text: &'static str,
    port: OnceLock<u16>,
    host: OnceLock<String>,
    whole: OnceLock<Result<u16, ParseIntError>>,
    user: OnceLock<Option<String>>,
    runs: AtomicU32,
}

impl Settings {
    #[cached_property(self.port)]
    fn port(&self) -> Result<&u16, ParseIntError> {
        self.runs.fetch_add(1, SeqCst);
        let port = self.text.parse()?;
        Ok(port)
    }

    #[cached_property(self.port)]
    fn port_by_value(&self) -> Result<u16, ParseIntError> {
        self.text.parse()
    }

    #[cached_property(self.host)]
    fn host(&self) -> std::io::Result<&str> {
        Ok(std::str::from_utf8(self.text.as_bytes()).map_err(std::io::Error::other)?.to_owned())
    }

    #[cached_property(self.whole)]
    fn whole(&self) -> &Result<u16, ParseIntError> {
        self.runs.fetch_add(1, SeqCst);
        self.text.parse()
    }

    #[cached_property(self.user)]
    fn user(&self) -> Result<Option<&str>, Box<dyn std::error::Error>> {
        if self.text.is_empty() {
            return Err("no user".into());
        }
        Ok(Some(self.text.to_owned()))
    }
}

#[test]
fn error_is_returned_and_not_kept() {
    let mut settings = Settings { text: "x", ..Settings::default() };
    assert!(settings.port().is_err());
    assert!(settings.port_by_value().is_err());
    assert!(settings.port().is_err());
    assert_eq!(settings.runs.load(SeqCst), 2);
    settings.text = "80";
    assert_eq!((settings.port(), settings.port(), settings.port_by_value()), (Ok(&80), Ok(&80), Ok(80)));
    assert_eq!(settings.runs.load(SeqCst), 3);
    assert_eq!(settings.host().unwrap(), "80");
    assert_eq!(settings.user().unwrap(), Some("80"));
    assert!(Settings::default().user().is_err());
}

#[test]
fn error_behind_a_reference_is_kept() {
    let settings = Settings { text: "x", ..Settings::default() };
    assert!(settings.whole().is_err() && settings.whole().is_err());
    assert_eq!(settings.runs.load(SeqCst), 1);
}

#[test]
fn panic_keeps_nothing() {
    struct Fragile {
        value: OnceLock<u32>,
    }
    impl Fragile {
        #[cached_property(self.value)]
        fn value(&self) -> &u32 {
            panic!("no value")
        }
    }
    let fragile = Fragile { value: OnceLock::new() };
    assert!(std::panic::catch_unwind(|| *fragile.value()).is_err());
    assert_eq!(fragile.value.get(), None);
}

#[test]
fn first_value_of_two_threads_is_kept() {
    struct Racy {
        value: OnceLock<thread::ThreadId>,
        both: Barrier,
    }
    impl Racy {
        #[cached_property(self.value)]
        fn value(&self) -> &thread::ThreadId {
            self.both.wait();
            thread::current().id()
        }
    }
    let racy = Racy { value: OnceLock::new(), both: Barrier::new(2) };
    thread::scope(|scope| {
        let [first, second] = [(); 2].map(|()| scope.spawn(|| std::ptr::from_ref(racy.value()) as usize));
        assert_eq!(first.join().unwrap(), second.join().unwrap());
    });
}

/// A method of a trait, of a generic type, of a type that borrows.
trait Named {
    fn name(&self) -> &str;
}

struct Generic<'a, T> {
    text: &'a str,
    value: T,
    name: OnceLock<String>,
    first: OnceLock<&'a str>,
    copy: OnceLock<T>,
}

impl<T> Named for Generic<'_, T> {
    #[cached_property(self.name)]
    fn name(&self) -> &str {
        self.text.to_uppercase()
    }
}

impl<'a, T: Clone> Generic<'a, T> {
    #[cached_property(self.first)]
    fn first(&self) -> &'a str {
        self.text.split(' ').next().unwrap_or_default()
    }

    #[cached_property(self.copy)]
    #[expect(clippy::needless_lifetimes, reason = "the lifetime of `self` has a name here")]
    fn copy<'s>(&'s self) -> &'s T {
        self.value.clone()
    }
}

#[test]
fn property_of_a_trait_or_of_a_generic_type() {
    let text = String::from("a b");
    let (name, first, copy) = Default::default();
    let generic = Generic { text: &text, value: vec![1], name, first, copy };
    assert_eq!(generic.name(), "A B");
    assert_eq!(generic.copy(), &[1]);
    let first = generic.first();
    drop(generic);
    assert_eq!(first, "a");
}

macro_rules! property {
    ($name:ident, $field:ident, $at:tt, $ty:ty, $value:expr) => {
        #[cached_property(self.$field.$at, crate = ::functools)]
        fn $name(&self) -> $ty {
            $value
        }
    };
}

struct ByMacro {
    inner: (OnceLock<String>, u8),
}

impl ByMacro {
    property! { text, inner, 0, &str, "text".to_owned() }
}

#[test]
fn attribute_works_in_macros() {
    assert_eq!(ByMacro { inner: (OnceLock::new(), 0) }.text(), "text");
}

#[derive(Default)]
struct Remote {
    runs: AtomicU32,
    is_up: bool,
    token: OnceLock<String>,
    size: OnceLock<u64>,
}

impl Remote {
    async fn ask(&self) -> Result<String, &'static str> {
        std::future::ready(()).await;
        self.runs.fetch_add(1, SeqCst);
        if self.is_up { Ok("token".to_owned()) } else { Err("down") }
    }

    #[cached_property(self.token)]
    async fn token(&self) -> Result<&str, Box<dyn std::error::Error + Send + Sync>> {
        let token = self.ask().await?;
        Ok(token)
    }

    #[cached_property(self.size)]
    async fn size(self: &Arc<Self>) -> u64 {
        if self.ask().await.is_err() {
            return 0;
        }
        5
    }
}

#[test]
fn async_property_keeps_its_value_and_no_error() {
    let mut remote = Remote::default();
    assert!(now(remote.token()).is_err());
    remote.is_up = true;
    assert_eq!((now(remote.token()).unwrap(), now(remote.token()).unwrap()), ("token", "token"));
    assert_eq!(remote.runs.load(SeqCst), 2);
    let remote = Arc::new(remote);
    assert_eq!((now(remote.size()), now(remote.size())), (5, 5));
    assert_eq!(remote.runs.load(SeqCst), 3);
}

/// The body tells the type of the error, and may leave by `return` alone.
impl Remote {
    #[cached_property(self.token)]
    async fn never(&self) -> Result<&str, String> {
        return Err("never".into());
    }

    #[cached_property(self.token)]
    async fn early(&self) -> Result<&str, String> {
        if self.is_up {
            return Ok("early".into());
        }
        Err(self.ask().await?.to_lowercase())
    }
}

#[test]
fn async_property_returns_early() {
    let mut remote = Remote::default();
    assert_eq!(now(remote.never()), Err("never".to_owned()));
    assert_eq!(now(remote.early()), Err("down".to_owned()));
    remote.is_up = true;
    assert_eq!((now(remote.early()), now(remote.never())), (Ok("early"), Ok("early")));
}

#[test]
fn async_property_is_send() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let remote = Arc::new(Remote::default());
    assert_eq!(now(is_send(remote.size())), 0);
}

#[cfg(feature = "tokio")]
mod tokio_cell {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    use functools::cached_property;
    use tokio::sync::{OnceCell, Semaphore};

    struct Pool {
        runs: AtomicU32,
        permits: Semaphore,
        size: OnceCell<String>,
    }

    impl Pool {
        #[cached_property(self.size)]
        async fn size(&self) -> Result<&str, String> {
            let run = self.runs.fetch_add(1, SeqCst);
            self.permits.acquire().await.map_err(|_| "closed")?.forget();
            if run == 0 { Err("down".to_owned()) } else { Ok("large".to_owned()) }
        }
    }

    #[tokio::test]
    async fn concurrent_calls_compute_once_and_take_over_from_an_error() {
        let pool = Pool { runs: AtomicU32::new(0), permits: Semaphore::new(0), size: OnceCell::new() };
        let pool = Arc::new(pool);
        let calls: Vec<_> = (0..4)
            .map(|_| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move { pool.size().await.map(str::to_owned) })
            })
            .collect();
        tokio::task::yield_now().await;
        pool.permits.add_permits(2);
        let mut results = Vec::new();
        for call in calls {
            results.push(call.await.unwrap());
        }
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
        assert_eq!(pool.runs.load(SeqCst), 2);
    }
}
