//! The forwarder: it does what an authorizer cannot, because it sees bodies.
