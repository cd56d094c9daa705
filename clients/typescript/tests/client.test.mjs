// Runs on what is shipped: `npm test` builds it first.

import assert from "node:assert/strict";
import test from "node:test";
import { create, fromJson } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { createConfigServiceClient, EntrySchema, errorReason, plainValue } from "@config-service/client";

const variable = "CONFIG_SERVICE_ADDR";

test("a malformed address is refused at once", () => {
  const malformed = [
    "localhost", ":9080", "localhost:", "localhost:0", "localhost:65536", "localhost:x", "localhost:9080/", "http://localhost:9080",
    "::1:9080", "[::1]", "[::g]:9080", "[localhost]:9080", "local host:9080", " localhost:9080", "localhost:9080\n", "unix:", "unix:relative",
  ];
  const accepted = "is not usable; accepted: host:port, [IPv6]:port or unix:/path";
  for (const address of malformed) {
    const message = `address: ${JSON.stringify(address)} ${accepted}`;
    assert.throws(() => createConfigServiceClient({ address }), { name: "TypeError", message });
  }
  process.env[variable] = "localhost";
  assert.throws(() => createConfigServiceClient(), { name: "TypeError", message: `${variable}: "localhost" ${accepted}` });
  delete process.env[variable];
  assert.throws(() => createConfigServiceClient({ address: "me:secret@localhost:9080" }), (error) => !/secret/.test(error.message));
  assert.throws(() => createConfigServiceClient({ address: "unix:/run/config.sock", tls: {} }), /^TypeError: tls: /);
  assert.throws(() => createConfigServiceClient({ defaultTimeoutMs: 0 }), /^TypeError: defaultTimeoutMs: 0 is not usable/);
});

test("what can be an address is taken, and an empty one counts as not given", () => {
  for (const address of ["localhost:9080", "127.0.0.1:1", "[::1]:65535", "config-service.internal:443", "unix:/run/a b.sock", "", undefined]) {
    createConfigServiceClient({ address }).close();
  }
});

test("an address beyond the sidecar gives an error without reason", async () => {
  const client = createConfigServiceClient({ address: "127.0.0.1:1" }); // nobody listens there
  await assert.rejects(client.get({ key: "a" }), (error) => {
    assert.equal(ConnectError.from(error).code, Code.Unavailable);
    assert.equal(errorReason(error), undefined);
    return true;
  });
  client.close();
});

test("a call to a server that never answers ends", { timeout: 60_000 }, async (t) => {
  const { createServer } = await import("node:net");
  const silent = createServer(() => {});
  await new Promise((listening) => silent.listen(0, "127.0.0.1", listening));
  const client = createConfigServiceClient({ address: `127.0.0.1:${silent.address().port}`, defaultTimeoutMs: 100 });
  t.after(() => (client.close(), silent.close()));
  await assert.rejects(client.get({ key: "a" }), (error) => ConnectError.from(error).code === Code.DeadlineExceeded);
});

test("a value is what JavaScript has for it, and null is one", () => {
  const values = [20, 2.5, null, false, "", "text", [1, "b", []], { a: { b: [true] }, c: {} }];
  for (const value of values) {
    assert.deepEqual(plainValue(create(EntrySchema, { key: "a", value: fromJson(ValueSchema, value) })), value);
  }
  assert.equal(plainValue(undefined), undefined);
});
