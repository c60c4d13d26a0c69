// Clients of gRPC-Web in Node: `peer.js LIBRARY URL VERSION DESCRIPTORS` makes the same calls with one of them and prints what
// it saw as JSON. LIBRARY is grpc-web (npm's, in its two modes) or connect; VERSION is that of HTTP, for connect.
"use strict";

const [library, url, version, descriptors] = process.argv.slice(2);
const PATH = "/shapes.Shapes/";
const OWN = { "x-own": "mine", "x-own-bin": "AAH_".replace("_", "/") };

// Item.text and Item.number by hand: npm's grpc-web takes any functions for messages.
const encode = (text) => Uint8Array.from([0x1a, Buffer.byteLength(text), ...Buffer.from(text)]);
function decode(bytes) {
  const item = { text: "", number: 0 };
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at++];
    if (tag === 0x10) item.number = bytes[at++];
    else {
      const size = bytes[at++];
      item.text = Buffer.from(bytes.slice(at, at + size)).toString();
      at += size;
    }
  }
  return item;
}

function grpcWeb(format) {
  global.XMLHttpRequest = require("xhr2");
  const { GrpcWebClientBase, MethodDescriptor, MethodType } = require("grpc-web");
  const client = new GrpcWebClientBase({ format });
  const method = (name, type) => new MethodDescriptor(PATH + name, type, Object, Object, encode, decode);
  const known = (metadata) => Object.fromEntries(Object.entries(metadata ?? {}).filter(([name]) => name.startsWith("x-")));
  return {
    unary: (text, options = {}) =>
      new Promise((resolve) => {
        const metadata = { ...OWN };
        if (options.timeoutMs) metadata.deadline = String(Date.now() + options.timeoutMs);
        const seen = { head: {}, trailers: {} };
        const call = client.rpcCall(url + PATH + "Unary", text, metadata, method("Unary", MethodType.UNARY), (error, reply) =>
          setTimeout(() => resolve({ ...seen, reply, code: error?.code ?? 0, message: error?.message ?? "" }), 0),
        );
        call.on("metadata", (metadata) => (seen.head = known(metadata)));
        call.on("status", (status) => (seen.trailers = known(status.metadata)));
      }),
    down: (text) =>
      new Promise((resolve) => {
        const replies = [];
        const stream = client.serverStreaming(url + PATH + "Down", text, OWN, method("Down", MethodType.SERVER_STREAMING));
        stream.on("data", (reply) => replies.push(reply));
        stream.on("error", (error) => resolve({ replies, code: error.code, message: error.message }));
        stream.on("end", () => resolve({ replies, code: 0, message: "" }));
      }),
  };
}

function connect() {
  const { createFileRegistry, fromBinary } = require("@bufbuild/protobuf");
  const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt");
  const { createClient, ConnectError } = require("@connectrpc/connect");
  const { createGrpcWebTransport } = require("@connectrpc/connect-node");
  const files = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(descriptors, "base64")));
  const transport = createGrpcWebTransport({ baseUrl: url, httpVersion: version, useBinaryFormat: true });
  const client = createClient(files.getService("shapes.Shapes"), transport);
  const known = (headers) => Object.fromEntries([...(headers ?? [])].filter(([name]) => name.startsWith("x-")));
  const plain = ({ text, number }) => ({ text, number });
  const failed = (error) => {
    const found = ConnectError.from(error);
    return { code: found.code, message: found.rawMessage, trailers: known(found.metadata) };
  };
  return {
    async unary(text, options = {}) {
      const seen = { head: {}, trailers: {} };
      const onHeader = (headers) => (seen.head = known(headers));
      const onTrailer = (trailers) => (seen.trailers = known(trailers));
      try {
        const reply = await client.unary({ text }, { headers: OWN, onHeader, onTrailer, ...options });
        return { ...seen, reply: plain(reply), code: 0, message: "" };
      } catch (error) {
        return { ...seen, ...failed(error) };
      }
    },
    async down(text) {
      const replies = [];
      try {
        for await (const reply of client.down({ text }, { headers: OWN })) replies.push(plain(reply));
        return { replies, code: 0, message: "" };
      } catch (error) {
        return { replies, ...failed(error) };
      }
    },
  };
}

async function main() {
  const client = library === "connect" ? connect() : grpcWeb(library.replace("grpc-web-", ""));
  const results = {
    unary: await client.unary("hello"),
    failure: await client.unary("fail"),
    late: await client.unary("wait", { timeoutMs: 200 }),
    down: await client.down("three"),
    broken: await client.down("break"),
  };
  console.log(JSON.stringify(results));
  process.exit(0);
}

main();
