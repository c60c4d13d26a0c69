// grpc-js as a peer of the interop tests. `peer.js server ADDRESS [CERTIFICATE]` serves grpc.testing.TestService and prints
// its port; `peer.js client TARGET [ROOTS]` takes commands of driver.proto on its standard input. Both end with that input.
"use strict";

const fs = require("fs");
const path = require("path");
const readline = require("readline");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const folder = path.join(__dirname, "..", "..");
const options = { keepCase: true, longs: Number, enums: Number, defaults: true, arrays: true };
const messages = (name) => loader.loadSync(path.join(folder, name), options);
const { testing } = grpc.loadPackageDefinition(messages("testing.proto")).grpc;
const orca = messages("orca.proto")["xds.data.orca.v3.OrcaLoadReport"];
const driver = messages("peers/driver.proto");

// ---- the server ----

const payload = (size) => ({ body: Buffer.alloc(size) });
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function greet(call, trailing = new grpc.Metadata()) {
  const initial = new grpc.Metadata();
  for (const value of call.metadata.get("x-grpc-test-echo-initial")) initial.add("x-grpc-test-echo-initial", value);
  for (const value of call.metadata.get("x-grpc-test-echo-trailing-bin")) trailing.add("x-grpc-test-echo-trailing-bin", value);
  if (Object.keys(initial.getMap()).length) call.sendMetadata(initial);
  return trailing;
}

function failure(request, metadata) {
  const status = request.response_status;
  return status && status.code ? { code: status.code, details: status.message, metadata } : null;
}

// The stream must outlive the loop over its requests, which would destroy it.
const requestsOf = (call) => call.iterator({ destroyOnReturn: false });
// What goes wrong ends the call, not the server.
const streaming = (handler) => (call) => handler(call).catch((error) => call.emit("error", error));

async function answer(call, request) {
  for (const parameters of request.response_parameters) {
    if (parameters.interval_us) await sleep(parameters.interval_us / 1000);
    if (call.cancelled) return;
    if (!call.write({ payload: payload(parameters.size) })) await new Promise((resolve) => call.once("drain", resolve));
  }
}

const service = {
  EmptyCall: (call, callback) => callback(null, {}),

  UnaryCall(call, callback) {
    const { request } = call;
    const trailing = greet(call);
    const error = failure(request, trailing);
    if (error) return callback(error);
    const report = request.orca_per_query_report;
    if (report) {
      trailing.set("endpoint-load-metrics-bin", orca.serialize({ ...report, mem_utilization: report.memory_utilization }));
    }
    const [authorization = ""] = call.metadata.get("authorization");
    const username = request.fill_username ? authorization.replace("Bearer ", "") : "";
    const server_id = request.fill_server_id ? `process ${process.pid}` : "";
    callback(null, { payload: payload(request.response_size), username, server_id }, trailing);
  },

  StreamingOutputCall: streaming(async (call) => {
    await answer(call, call.request);
    call.end();
  }),

  StreamingInputCall(call, callback) {
    let size = 0;
    call.on("data", (request) => (size += request.payload ? request.payload.body.length : 0));
    call.on("end", () => callback(null, { aggregated_payload_size: size }));
  },

  FullDuplexCall: streaming(async (call) => {
    const trailing = greet(call);
    for await (const request of requestsOf(call)) {
      const error = failure(request, trailing);
      if (error) return call.emit("error", error);
      await answer(call, request);
    }
    call.end(trailing);
  }),

  HalfDuplexCall: streaming(async (call) => {
    const requests = [];
    for await (const request of requestsOf(call)) requests.push(request);
    for (const request of requests) await answer(call, request);
    call.end();
  }),
};

function serve(address, certificate) {
  const server = new grpc.Server();
  server.addService(testing.TestService.service, service);
  let credentials = grpc.ServerCredentials.createInsecure();
  if (certificate) {
    const pem = fs.readFileSync(certificate);
    credentials = grpc.ServerCredentials.createSsl(null, [{ private_key: pem, cert_chain: pem }]);
  }
  server.bindAsync(address, credentials, (error, port) => {
    if (error) throw error;
    console.log(port);
  });
}

// ---- the client ----

const GZIP = 2;
const NO_COMPRESS = grpc.writeFlags ? grpc.writeFlags.NO_COMPRESS : 2;
const NEVER = 0;
const AT_ONCE = 1;

function pairs(metadata) {
  const values = (key) => metadata.get(key).map((value) => ({ key, value: Buffer.from(value) }));
  return metadata ? Object.keys(metadata.getMap()).flatMap(values) : [];
}

function callOptions(command) {
  const result = {};
  if (command.timeout_us) result.deadline = Date.now() + command.timeout_us / 1000;
  if (command.token) {
    result.credentials = grpc.credentials.createFromMetadataGenerator((_, callback) => {
      const metadata = new grpc.Metadata();
      metadata.set("authorization", `Bearer ${command.token}`);
      callback(null, metadata);
    });
  }
  return result;
}

// One call, from its start to its status.
function run(client, command) {
  const [serviceName, name] = command.method.split("/");
  const method = testing[serviceName].service[name];
  const metadata = new grpc.Metadata();
  for (const { key, value } of command.metadata) metadata.add(key, key.endsWith("-bin") ? value : value.toString());
  const requests = command.requests.map(({ message, plain }) => [method.requestDeserialize(message), plain ? NO_COMPRESS : 0]);
  const outcome = { responses: [], initial: [] };

  return new Promise((resolve) => {
    let waiting = method.responseStream ? 2 : 1; // for the status, and for the end of the responses
    const over = () => --waiting || resolve(outcome);
    const send = () => (requests.length ? call.write(...requests.shift()) : call.end());
    const take = (response) => {
      outcome.responses.push(method.responseSerialize(response));
      if (outcome.responses.length > 1) return;
      if (command.cancel !== NEVER) call.cancel();
      if (command.pause_ms) {
        call.pause();
        setTimeout(() => call.resume(), command.pause_ms);
      }
    };
    const form = [method.path, method.requestSerialize, method.responseDeserialize];
    const first = method.requestStream ? [] : [requests[0][0]];
    const last = method.responseStream ? [] : [(error, response) => error || take(response)];
    const kind = `make${{ "": "Unary", in: "ClientStream", out: "ServerStream", inout: "BidiStream" }[
      (method.requestStream ? "in" : "") + (method.responseStream ? "out" : "")
    ]}Request`;
    const call = client[kind](...form, ...first, metadata, callOptions(command), ...last);
    call.on("metadata", (initial) => (outcome.initial = pairs(initial)));
    call.on("status", ({ code, details, metadata: trailing }) => {
      Object.assign(outcome, { code, message: details, trailing: pairs(trailing) });
      if (method.responseStream && code !== grpc.status.OK) waiting--; // the end of the responses may not come
      setImmediate(over);
    });
    if (method.responseStream) {
      call.on("error", () => {});
      call.on("end", over);
      call.on("data", (response) => {
        take(response);
        if (command.lockstep) send();
      });
    }
    if (command.cancel === AT_ONCE) call.cancel();
    else if (command.lockstep) send();
    else if (method.requestStream) {
      while (requests.length) send();
      send();
    }
  });
}

async function drive(target, roots) {
  const credentials = roots ? grpc.credentials.createSsl(fs.readFileSync(roots)) : grpc.credentials.createInsecure();
  const plain = new grpc.Client(target, credentials);
  const gzip = new grpc.Client(target, credentials, { "grpc.default_compression_algorithm": GZIP });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const command = driver["driver.Command"].deserialize(Buffer.from(line, "hex"));
    const client = command.compression === "gzip" ? gzip : plain;
    const outcomes = await Promise.all(Array.from({ length: command.times || 1 }, () => run(client, command)));
    process.stdout.write(driver["driver.Outcomes"].serialize({ outcomes }).toString("hex") + "\n");
  }
  process.exit(0);
}

const [role, target, pem] = process.argv.slice(2);
if (role === "server") {
  serve(target, pem);
  process.stdin.resume().on("end", () => process.exit(0));
} else {
  drive(target, pem);
}
