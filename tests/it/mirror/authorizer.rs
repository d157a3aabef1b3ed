//! What the authorizer makes of a mirrored set.

use super::*;

#[tokio::test]
async fn a_cold_start_needs_no_issuer() {
    let world = World::new().await;
    report(&world.mirror().await);
    let asked = world.issuer.count("");
    world.issuer.fail(Fault::Refuse).await;
    let function = world.deployment.authorizer(&[]).await;
    let response = world.ask(&function, &world.key).await;
    assert_eq!((response.status, response.code()), (200, "allow"), "{response:?}");
    assert_eq!(response.decided.audit["Kept"], 0, "a fresh mirror is not something kept in need");
    assert_eq!(world.issuer.count(""), asked);
}

#[tokio::test]
async fn a_key_that_the_mirror_lacks_is_asked_of_the_issuer() {
    let world = World::new().await;
    report(&world.mirror().await);
    let asked = world.issuer.count("jwks");
    let second = SigningKey::generate("second", Algorithm::EdDsa);
    world.issuer.publish(&[&world.key, &second]);
    let function = world.deployment.authorizer(&[]).await;
    assert_eq!(world.ask(&function, &second).await.status, 200);
    assert_eq!(world.issuer.count("jwks"), asked + 1);

    let stranger = SigningKey::generate("nobody", Algorithm::EdDsa);
    assert_eq!(world.ask(&function, &stranger).await.code(), "token_key_unknown");
}

#[tokio::test]
async fn without_the_issuer_an_unknown_key_is_a_fault_not_a_refusal() {
    let world = World::new().await;
    // Fresh, but too old to say that there is no such key.
    world.put_mirrored(&[&world.key], &json!({ "fetched_at": issuer::now() - 60 }));
    world.issuer.fail(Fault::Hang).await;
    let function = world.deployment.authorizer(&[]).await;
    let stranger = SigningKey::generate("nobody", Algorithm::EdDsa);
    let response = world.ask(&function, &stranger).await;
    assert_eq!((response.status, response.code()), (500, "issuer_unavailable"), "{response:?}");
    // And the others go on.
    assert_eq!(world.ask(&function, &world.key).await.status, 200);
}

#[tokio::test]
async fn a_set_of_another_record_is_not_used() {
    for (changes, why) in [
        (json!({ "issuer_version": 1 }), "another version"),
        (json!({ "jwks_uri": "https://elsewhere.example/jwks" }), "another place"),
        (json!({ "keys": "<html>" }), "no key set"),
        (json!({ "keys": "{\"keys\":[]}" }), "an empty set"),
        (json!({ "keys": 7 }), "malformed"),
        (json!({ "fetched_at": issuer::now() + 3600 }), "from the future"),
    ] {
        let world = World::new().await;
        let impostor = SigningKey::generate("first", Algorithm::Es256);
        world.put_mirrored(&[&impostor], &changes);
        let function = world.deployment.authorizer(&[]).await;
        assert_eq!(world.ask(&function, &world.key).await.status, 200, "{why}");
        assert_eq!(world.issuer.count("jwks"), 1, "{why}");
    }
}

#[tokio::test]
async fn an_old_set_is_for_need_only() {
    let old = json!({ "fetched_at": issuer::now() - Lifetimes::DEFAULT.jwks_soft.as_secs() - 1 });
    let world = World::new().await;
    world.put_mirrored(&[&world.key], &old);
    let function = world.deployment.authorizer(&[]).await;
    assert_eq!(world.ask(&function, &world.key).await.status, 200);
    assert_eq!(world.issuer.count("jwks"), 1, "the issuer answers, so it is asked");

    let world = World::new().await;
    world.put_mirrored(&[&world.key], &old);
    world.issuer.fail(Fault::Hang).await;
    let function = world.deployment.authorizer(&[]).await;
    let response = world.ask(&function, &world.key).await;
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(response.decided.audit["kept"], json!(["jwks"]));
    assert!(response.decided.took < Duration::from_millis(1500), "{:?}", response.decided.took);

    let world = World::new().await;
    let ancient = json!({ "fetched_at": issuer::now() - Lifetimes::DEFAULT.jwks_kept.as_secs() - 1 });
    world.put_mirrored(&[&world.key], &ancient);
    world.issuer.fail(Fault::Refuse).await;
    let function = world.deployment.authorizer(&[]).await;
    assert_eq!(world.ask(&function, &world.key).await.code(), "issuer_unavailable");
}

#[tokio::test]
async fn the_record_alone_decides_whether_an_issuer_counts() {
    let world = World::new().await;
    report(&world.mirror().await);
    world.deployment.table.remove(&format!("issuer#{}", world.issuer.url()));
    let function = world.deployment.authorizer(&[]).await;
    let response = world.ask(&function, &world.key).await;
    assert_ne!(response.outcome(), "allow");
    assert_eq!(world.deployment.table.service.count("GetItem", "jwks#"), 1, "only key-sync has read it");
}
