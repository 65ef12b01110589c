// Prints a published OpenAPI document for a strict mock server:
//   node document.js DOCUMENT ROWS     ROWS: a file with a line `METHOD path host body|nothing` per operation
// Keeps only the paths of the rows and the schemas that they need. Forbids undocumented fields in bodies. Adds twins
// under /misspelt: copies of the operations in which body fields and required query parameters have other names. A
// request that an operation accepts must be refused by its twin. Operations without such fields have no twin.
"use strict";
const fs = require("fs");

const [source, rows] = process.argv.slice(2);
const document = JSON.parse(fs.readFileSync(source, "utf8"));
const schemas = (document.components && document.components.schemas) || {};
const ours = new Map();
for (const row of fs.readFileSync(rows, "utf8").trim().split("\n")) {
  const [method, path, host, sends] = row.split(" ");
  ours.set(spot(method, path), { host, sendsBody: sends === "body" });
}

function spot(method, path) {
  return method.toUpperCase() + " " + path.replace(/{[^}]*}/g, "{}");
}

// Keywords whose values are data, even if they look like schemas.
const literal = new Set(["default", "const", "enum", "example", "examples"]);
const closed = {}; // copies of the schemas, for request bodies: responses may have undocumented fields

function close(schema) {
  if (Array.isArray(schema)) return schema.map(close);
  if (schema === null || typeof schema !== "object") return schema;
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    const own = "Sent-" + name;
    if (!(own in closed)) {
      closed[own] = true; // it may contain itself
      closed[own] = close(schemas[name]);
    }
    return { $ref: "#/components/schemas/" + own };
  }
  const copy = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key !== "discriminator") copy[key] = literal.has(key) ? value : close(value);
  }
  if (copy.properties && copy.additionalProperties === undefined && !copy.allOf) copy.additionalProperties = false;
  return copy;
}

const other = (name) => name + "_misspelt";

function contents(operation) {
  return Object.entries((operation.requestBody && operation.requestBody.content) || {});
}

// Makes Prism check a body strictly.
function tighten(operation, row) {
  for (const [media, content] of contents(operation)) {
    content.schema = close(content.schema || {});
    if (media !== "multipart/form-data") continue;
    const properties = closed[content.schema.$ref.split("/").pop()].properties;
    for (const [name, property] of Object.entries(properties)) {
      // Prism sees only one of the parts with the same name.
      if (property.type === "array") properties[name] = property.items;
    }
  }
  // The document lacks bodies that the service parses by hand: accept any.
  if (row.sendsBody && !operation.requestBody) operation.requestBody = { content: { "application/json": { schema: {} } } };
}

function misspell(operation, row) {
  const twin = JSON.parse(JSON.stringify(operation));
  let names = 0;
  for (const parameter of twin.parameters || []) {
    if (parameter.in === "query" && parameter.required) {
      parameter.name = other(parameter.name);
      names++;
    }
  }
  for (const [, content] of row.sendsBody ? contents(twin) : []) {
    let schema = content.schema || {};
    while (schema.$ref || schema.anyOf) {
      schema = schema.$ref ? closed[schema.$ref.split("/").pop()] : schema.anyOf.find((one) => one.type !== "null");
    }
    if (!schema.properties) continue;
    const properties = {};
    for (const [name, property] of Object.entries(schema.properties)) {
      properties[other(name)] = property;
      names++;
    }
    content.schema = { ...schema, properties, required: (schema.required || []).map(other) };
  }
  return names > 0 && twin;
}

// The documents name the header of a browser session. A program sends its key as a bearer token, and to the agent server
// a session key. Operations without security stay open, unless the document has no security at all.
const hasNoSecurity = !(document.components && document.components.securitySchemes);
document.components = {
  securitySchemes: {
    service: { type: "http", scheme: "bearer" },
    runtime: { type: "apiKey", in: "header", name: "X-Session-API-Key" },
  },
};

const paths = {};
for (const [path, methods] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const row = ours.get(spot(method, path));
    if (!row) continue;
    const key = row.host === "runtime" ? "runtime" : "service";
    if (operation.security || hasNoSecurity) operation.security = [{ [key]: [] }];
    tighten(operation, row);
    (paths[path] = paths[path] || {})[method] = operation;
    const twin = misspell(operation, row);
    if (twin) (paths["/misspelt" + path] = paths["/misspelt" + path] || {})[method] = twin;
  }
}
document.paths = paths;
delete document.servers;
delete document.security;

const needed = {};
function reach(value) {
  if (value === null || typeof value !== "object") return;
  if (typeof value.$ref === "string") {
    const name = value.$ref.split("/").pop();
    if (!(name in needed)) {
      needed[name] = closed[name] || schemas[name];
      reach(needed[name]);
    }
  }
  Object.values(value).forEach(reach);
}
reach(paths);
document.components.schemas = needed;
process.stdout.write(JSON.stringify(document));
