//! What stands between key-sync and one service: it counts the calls over all services, and from a
//! chosen one on it misbehaves.

use std::future::pending;
use std::sync::{Arc, Mutex};

use countersign_tests::aws::forward;
use countersign_tests::http::{Answer, Request, Server};
use serde_json::json;

use crate::crash::world::Urls;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Service {
    Aws,
    Cloudflare,
    Edge,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    Throttled,
    ServerError,
    Forbidden,
    /// 200 and a page for people.
    Garbage,
    /// It is done, and the connection is closed without an answer.
    AppliedThenCut,
    /// It is done, and nobody is ever told.
    AppliedThenSilent,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lasting {
    OneCall,
    /// Every call of that service, until the world recovers.
    UntilRecovery,
}

/// What happens at which call, shared by all the doors of one world.
#[derive(Default)]
pub struct Plan(Mutex<State>);

#[derive(Default)]
struct State {
    calls: Vec<String>,
    armed: Option<Armed>,
    /// What happened so far.
    in_effect: Option<(Service, Fault)>,
}

struct Armed {
    calls_left: usize,
    what: What,
}

enum What {
    Fault(Fault, Lasting),
    /// Something happens elsewhere; the call itself is left alone.
    Meanwhile(Box<dyn FnOnce() + Send>),
}

impl Plan {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The `n`-th call from now fails; 1 is the next one.
    pub fn fail(&self, n: usize, fault: Fault, lasting: Lasting) {
        self.arm(n, What::Fault(fault, lasting));
    }

    /// Just before the `n`-th call something else happens.
    pub fn meanwhile(&self, n: usize, happens: impl FnOnce() + Send + 'static) {
        self.arm(n, What::Meanwhile(Box::new(happens)));
    }

    fn arm(&self, n: usize, what: What) {
        self.0.lock().unwrap().armed = Some(Armed { calls_left: n, what });
    }

    /// Nothing is wrong any more. `true`: something was.
    pub fn recover(&self) -> bool {
        let mut state = self.0.lock().unwrap();
        state.in_effect = None;
        state.armed.take().is_none()
    }

    /// Their names, in order.
    pub fn calls(&self) -> Vec<String> {
        self.0.lock().unwrap().calls.clone()
    }

    pub fn forget_calls(&self) {
        self.0.lock().unwrap().calls.clear();
    }

    fn next(&self, service: Service, name: String) -> Option<Fault> {
        let mut state = self.0.lock().unwrap();
        state.calls.push(name);
        let lasting = state.in_effect.filter(|(disturbed, _)| *disturbed == service).map(|(_, fault)| fault);
        let Some(armed) = &mut state.armed else { return lasting };
        armed.calls_left -= 1;
        if armed.calls_left > 0 {
            return lasting;
        }
        match state.armed.take()?.what {
            What::Fault(fault, lasting) => {
                if lasting == Lasting::UntilRecovery {
                    state.in_effect = Some((service, fault));
                }
                Some(fault)
            }
            What::Meanwhile(happens) => {
                happens();
                None
            }
        }
    }
}

/// All services, each behind the plan. Their ports end with this.
pub struct Doors(#[expect(dead_code, reason = "held, not read")] Vec<Server>);

impl Doors {
    /// From now on key-sync is told that everything is here.
    pub async fn before(urls: &mut Urls, plan: &Arc<Plan>) -> Self {
        let services = [
            (Service::Aws, &mut urls.dynamodb),
            (Service::Aws, &mut urls.secrets_manager),
            (Service::Cloudflare, &mut urls.cloudflare),
            (Service::Edge, &mut urls.edge),
        ];
        let mut doors = Vec::new();
        for (service, url) in services {
            let door = door(service, url.clone(), plan.clone()).await;
            *url = door.url();
            doors.push(door);
        }
        Self(doors)
    }
}

async fn door(service: Service, target: String, plan: Arc<Plan>) -> Server {
    Server::start(move |request| {
        let (target, fault) = (target.clone(), plan.next(service, name_of(&request)));
        async move { answer(service, &target, &request, fault).await }
    })
    .await
}

/// `DescribeSecret`, `PATCH secrets-bulk`.
fn name_of(request: &Request) -> String {
    match request.header("x-amz-target").rsplit_once('.') {
        Some((_, operation)) => operation.to_owned(),
        None => {
            let path = request.target.split('?').next().unwrap_or_default();
            format!("{} {}", request.method, path.rsplit('/').next().unwrap_or_default())
        }
    }
}

async fn answer(service: Service, target: &str, request: &Request, fault: Option<Fault>) -> Answer {
    match fault {
        None => forward(target, request).await,
        Some(Fault::Throttled) => refuse(service, 429, "ThrottlingException"),
        Some(Fault::ServerError) => refuse(service, 503, "InternalServerError"),
        Some(Fault::Forbidden) => refuse(service, 403, "AccessDeniedException"),
        Some(Fault::Garbage) => {
            let headers = vec![("content-type", "text/html".to_owned())];
            Answer::Reply { status: 200, headers, body: "<html>it works!</html>".into() }
        }
        Some(Fault::AppliedThenCut) => {
            forward(target, request).await;
            Answer::Cut
        }
        Some(Fault::AppliedThenSilent) => {
            forward(target, request).await;
            pending().await
        }
    }
}

fn refuse(service: Service, status: u16, code: &str) -> Answer {
    match service {
        Service::Aws if status == 503 => {
            Answer::json(500, &json!({ "__type": code, "message": "as told by the test" }))
        }
        Service::Aws => Answer::json(400, &json!({ "__type": code, "message": "as told by the test" })),
        Service::Cloudflare => {
            let errors = json!([{ "code": 10_001, "message": "as told by the test" }]);
            Answer::json(status, &json!({ "success": false, "errors": errors, "messages": [], "result": null }))
        }
        Service::Edge => Answer::status(status),
    }
}

async fn forward(target: &str, request: &Request) -> Answer {
    forward::forward(target, request).await.unwrap_or_else(|error| panic!("a fake does not answer: {error}"))
}
