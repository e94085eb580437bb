//! The OpenAPI 3.1 document, made from the table of routes: what is served is what is described.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::edge::input::BodyKind;
use crate::edge::routes::{AnswerShape, Route, all};
use crate::example::{ExampleBody, Stage};

/// The whole document.
pub fn openapi() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let stage = Stage::sample();
    let mut paths: Map<String, Value> = Map::new();
    for route in all().iter() {
        let operation = operation(route, &stage, &mut generator);
        let path = paths.entry(route.template.text()).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation;
    }
    let error = generator.subschema_for::<keepsight_wire::ErrorBody>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Keepsight",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "People speak /api/v1 and sign in by a cookie; agents speak /agent/v1 with a bearer token. All that shows \
                what was recorded is sealed at home: see docs/formats.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": { "Error": { "description": "Refused, with a stable code and a text that helps.",
                "content": { "application/json": { "schema": error } } } },
            "securitySchemes": {
                "person": { "type": "apiKey", "in": "cookie", "name": crate::edge::answer::COOKIE },
                "agent": { "type": "http", "scheme": "bearer" },
            },
        },
    })
}

fn operation(route: &Route, stage: &Stage, generator: &mut SchemaGenerator) -> Value {
    use keepsight_gate::PrincipalKind;
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.doc,
        "parameters": parameters(route, generator),
        "responses": responses(route, generator),
        "security": match route.first_action().principal() {
            PrincipalKind::Person => json!([{ "person": [] }]),
            PrincipalKind::Agent => json!([{ "agent": [] }]),
            PrincipalKind::Anyone | PrincipalKind::Invitee => json!([]),
        },
        "x-keepsight-action": format!("{:?}", route.action),
    });
    if let Some(body) = request_body(route, stage, generator) {
        operation["requestBody"] = body;
    }
    operation
}

fn operation_id(route: &Route) -> String {
    let words = route
        .template
        .text()
        .split('/')
        .filter(|word| !word.is_empty())
        .map(|word| word.trim_matches(['{', '}']));
    std::iter::once(route.method.as_str().to_ascii_lowercase())
        .chain(words.map(str::to_owned))
        .collect::<Vec<_>>()
        .join("_")
}

fn parameters(route: &Route, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters: Vec<Value> = route
        .template
        .names()
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": param_schema(name, generator) }))
        .collect();
    let query = (route.query_schema)(generator).map(Value::from).unwrap_or_default();
    let required = query["required"].as_array().cloned().unwrap_or_default();
    for (name, schema) in query["properties"].as_object().into_iter().flatten() {
        let needed = required.iter().any(|have| have == name);
        parameters.push(json!({ "name": name, "in": "query", "required": needed, "schema": schema }));
    }
    parameters
}

fn param_schema(name: &str, generator: &mut SchemaGenerator) -> Value {
    use keepsight_ids::{CameraId, EventId, GapId, HomeId, SegmentKind, SegmentNo, SessionId};
    let schema = match name {
        "home" => generator.subschema_for::<HomeId>(),
        "camera" => generator.subschema_for::<CameraId>(),
        "event" => generator.subschema_for::<EventId>(),
        "gap" => generator.subschema_for::<GapId>(),
        "session" => generator.subschema_for::<SessionId>(),
        "kind" => generator.subschema_for::<SegmentKind>(),
        "number" => generator.subschema_for::<SegmentNo>(),
        _ => return json!({ "type": "string" }),
    };
    schema.into()
}

fn responses(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let content = match route.answer {
        AnswerShape::Nothing => None,
        AnswerShape::Json(schema) => {
            schema(generator).map(|schema| json!({ "application/json": { "schema": schema } }))
        }
        AnswerShape::Sealed => Some(
            json!({ "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } }),
        ),
        AnswerShape::Events(schema) => {
            schema(generator).map(|schema| json!({ "text/event-stream": { "itemSchema": schema } }))
        }
    };
    let error = json!({ "$ref": "#/components/responses/Error" });
    match content {
        None => json!({ "204": { "description": "Done." }, "default": error }),
        Some(content) => {
            json!({ "200": { "description": "The answer.", "content": content }, "default": error })
        }
    }
}

fn request_body(route: &Route, stage: &Stage, generator: &mut SchemaGenerator) -> Option<Value> {
    let media_type = route.body.media_type()?;
    let mut content = json!({ "schema": match route.body {
        BodyKind::Json => (route.body_schema)(generator).map(Value::from).unwrap_or_default(),
        BodyKind::Bytes | BodyKind::Nothing => json!({ "type": "string", "format": "binary" }),
    } });
    if let Some(ExampleBody::Json(example)) = route.example.map(|example| example(stage).body) {
        content["example"] = example;
    }
    Some(json!({ "required": true, "content": { media_type: content } }))
}
