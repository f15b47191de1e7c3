//! The image itself, and the protocol of the session.

use super::*;

/// K-OC-01, K-OC-08: whatever a header says, the bytes of the image are hashed.
#[test]
fn trouble_with_the_image_itself_is_fatal() {
    let (world, _) = signed_every_way();
    let other = manifest("other/other", vec![], None, json!({}));
    let cases: Vec<(Answer, Code)> = vec![
        (Ok(Response::NotFound), Code::ImageNotFound),
        (Err(FetchError::Denied("no".to_owned())), Code::Denied),
        (Err(FetchError::Throttled { retry_after: None }), Code::Throttled),
        (Err(FetchError::Unavailable(Code::DeadlineExceeded.into())), Code::DeadlineExceeded),
        (Err(FetchError::Cancelled), Code::Cancelled),
        (Err(FetchError::TooLarge { max_bytes: 1 }), Code::TooLarge),
        (found(media_type::OCI_MANIFEST, vec![b' '; 4 * 1024 * 1024 + 1]), Code::TooLarge),
        (found(media_type::OCI_MANIFEST, other), Code::DigestMismatch),
        (found(media_type::OCI_MANIFEST, vec![]), Code::DigestMismatch),
    ];
    for (answer, code) in cases {
        let altered = answer.clone();
        let digest = world.image.digest;
        let fetch = world.altered(move |request, honest| match request.what {
            What::Manifest(asked) if asked == digest => altered.clone(),
            _ => honest,
        });
        assert_eq!(fetch.gather(&world.by_digest()).unwrap_err().code(), code, "{code}");
        if code != Code::DigestMismatch {
            let tag: Tag = TAG.parse().unwrap();
            let fetch = world.altered(move |request, honest| if is_tag(request, &tag) { answer.clone() } else { honest });
            assert_eq!(fetch.gather(&world.by_tag()).unwrap_err().code(), code, "{code}");
            assert_eq!(fetch.asked().len(), 1);
        }
    }
}

/// K-OC-04.
#[test]
fn an_image_that_is_no_clear_document_is_fatal() {
    let world = World::new();
    let tag: Tag = TAG.parse().unwrap();
    let plain = manifest(media_type::OCI_CONFIG, vec![], None, json!({}));
    for (answer, code) in [
        (found(media_type::OCI_MANIFEST, manifest("a/b", vec![], None, json!({ "manifests": [] }))), Code::ManifestAmbiguous),
        (found(media_type::OCI_INDEX, plain.clone()), Code::MediaTypeMismatch),
        (found("text/html", plain), Code::MediaTypeMismatch),
        (found("text/html", "{\"schemaVersion\":2}"), Code::MediaTypeUnsupported),
    ] {
        let tag = tag.clone();
        let fetch = world.altered(move |request, honest| if is_tag(request, &tag) { answer.clone() } else { honest });
        assert_eq!(fetch.gather(&world.by_tag()).unwrap_err().code(), code);
    }
}

/// A proxy's page in place of the image is not the registry's word: it says nothing of the image, not even that it is bad.
#[test]
fn a_page_in_place_of_the_image_is_no_answer_of_the_registry() {
    let world = World::new();
    let tag: Tag = TAG.parse().unwrap();
    for (media_type, page) in [
        ("text/html", "<html>sign in</html>"),
        (media_type::OCI_MANIFEST, "<html>"),
        ("application/json", "{\"error\":\"sign in\"}"),
        (media_type::OCI_MANIFEST, ""),
    ] {
        let (tag, answer) = (tag.clone(), found(media_type, page));
        let fetch = world.altered(move |request, honest| if is_tag(request, &tag) { answer.clone() } else { honest });
        let code = fetch.gather(&world.by_tag()).unwrap_err().code();
        assert_eq!((code, code.class()), (Code::ResponseInvalid, Class::Undecided), "{page}");
    }
    // By digest the bytes speak for themselves: other ones are other ones, and the very ones are what was asked for.
    let answer = found("text/html", "<html>");
    let fetch = world.altered(move |request, honest| match request.what {
        What::Manifest(_) => answer.clone(),
        _ => honest,
    });
    assert_eq!(fetch.gather(&world.by_digest()).unwrap_err().code(), Code::DigestMismatch);
    let digest = Digest::sha256(b"<html>");
    let page: Reference = format!("{}@{digest}", world.by_digest().repository()).parse().unwrap();
    let answer = found("text/html", "<html>");
    let fetch = world.altered(move |request, honest| match request.what {
        What::Manifest(_) => answer.clone(),
        _ => honest,
    });
    assert_eq!(fetch.gather(&page).unwrap_err().code(), Code::ManifestInvalid);
}

#[test]
fn after_a_fatal_answer_the_rest_is_taken_and_ignored() {
    let (world, _) = signed_every_way();
    let mut session = Session::new(&world.by_digest(), &Limits::DEFAULT, Wanted::default());
    let requests: Vec<_> = std::iter::from_fn(|| session.next_request()).collect();
    let (image, rest) = requests.split_first().unwrap();
    session.supply(image.id, Ok(Response::NotFound)).unwrap();
    assert!(session.is_done());
    for request in rest {
        session.supply(request.id, world.store.fetch(request)).unwrap();
    }
    assert!(session.next_request().is_none());
    assert_eq!(session.finish().unwrap_err().failure.code(), Code::ImageNotFound);
    // What was only queued is not asked any more.
    let fetch = world.altered(|_, _| Ok(Response::NotFound));
    assert!(fetch.gather(&world.by_digest()).is_err());
    assert_eq!(fetch.asked().len(), 1);
}

#[test]
fn an_unknown_or_answered_id_is_request_unknown() {
    let world = World::new();
    let mut session = Session::new(&world.by_tag(), &Limits::DEFAULT, Wanted::default());
    let unknown = |session: &mut Session, id| session.supply(id, Ok(Response::NotFound)).unwrap_err().code();
    // Queued, but not given out yet.
    assert_eq!(unknown(&mut session, RequestId::from_number(0)), Code::RequestUnknown);
    let request = session.next_request().unwrap();
    assert_eq!(unknown(&mut session, RequestId::from_number(77)), Code::RequestUnknown);
    session.supply(request.id, world.store.fetch(&request)).unwrap();
    assert_eq!(unknown(&mut session, request.id), Code::RequestUnknown);
    drive(&mut session, &world.store);
    assert!(session.finish().is_ok());
}

#[test]
fn a_session_with_open_requests_is_unfinished() {
    let (world, _) = signed_every_way();
    let mut answered = 0;
    loop {
        let mut session = Session::new(&world.by_tag(), &Limits::DEFAULT, Wanted::default());
        for _ in 0..answered {
            let request = session.next_request().unwrap();
            session.supply(request.id, world.store.fetch(&request)).unwrap();
        }
        if session.is_done() {
            assert!(session.finish().is_ok());
            break;
        }
        let given = session.next_request().is_some();
        assert!(given && !session.is_done());
        assert_eq!(session.finish().unwrap_err().failure.code(), Code::SessionUnfinished);
        answered += 1;
    }
    assert_eq!(answered, 6);
}
