// Debian's gRPC for C++ as a peer of the interop tests. `peer server ADDRESS [CERTIFICATE]` serves grpc.testing.TestService
// and prints its port; `peer client TARGET [ROOTS]` takes commands of driver.proto on its standard input. Both end with it.

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "driver.pb.h"
#include "orca.pb.h"
#include "testing.grpc.pb.h"

using grpc::Status;
using grpc::StatusCode;
using namespace grpc::testing;

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// ---- the server ----

const char kInitial[] = "x-grpc-test-echo-initial";
const char kTrailing[] = "x-grpc-test-echo-trailing-bin";

std::string metadata_of(const grpc::ServerContext& context, const std::string& key) {
  auto found = context.client_metadata().find(key);
  return found == context.client_metadata().end() ? "" : std::string(found->second.data(), found->second.size());
}

void greet(grpc::ServerContext* context) {
  for (const auto& [key, value] : context->client_metadata()) {
    if (key == kInitial) context->AddInitialMetadata(kInitial, std::string(value.data(), value.size()));
    if (key == kTrailing) context->AddTrailingMetadata(kTrailing, std::string(value.data(), value.size()));
  }
}

Status asked(const EchoStatus& status) {
  return Status(static_cast<StatusCode>(status.code()), status.message());
}

grpc::WriteOptions plain_unless(bool compressed) {
  grpc::WriteOptions options;
  return compressed ? options : options.set_no_compression();
}

template <class Stream>
void answer(grpc::ServerContext* context, const StreamingOutputCallRequest& request, Stream* stream) {
  for (const auto& parameters : request.response_parameters()) {
    auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(parameters.interval_us());
    while (std::chrono::steady_clock::now() < until) {
      if (context->IsCancelled()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    StreamingOutputCallResponse response;
    response.mutable_payload()->mutable_body()->assign(parameters.size(), '\0');
    if (!stream->Write(response, plain_unless(parameters.compressed().value()))) return;
  }
}

class Service final : public TestService::Service {
  Status EmptyCall(grpc::ServerContext*, const Empty*, Empty*) override { return Status::OK; }

  Status UnaryCall(grpc::ServerContext* context, const SimpleRequest* request, SimpleResponse* response) override {
    greet(context);
    if (request->response_status().code()) return asked(request->response_status());
    if (request->response_compressed().value()) context->set_compression_algorithm(GRPC_COMPRESS_GZIP);
    if (request->has_orca_per_query_report()) {
      const auto& load = request->orca_per_query_report();
      xds::data::orca::v3::OrcaLoadReport report;
      report.set_cpu_utilization(load.cpu_utilization());
      report.set_mem_utilization(load.memory_utilization());
      *report.mutable_request_cost() = load.request_cost();
      *report.mutable_utilization() = load.utilization();
      context->AddTrailingMetadata("endpoint-load-metrics-bin", report.SerializeAsString());
    }
    response->mutable_payload()->mutable_body()->assign(request->response_size(), '\0');
    std::string bearer = "Bearer ", authorization = metadata_of(*context, "authorization");
    if (request->fill_username() && authorization.size() > bearer.size()) {
      response->set_username(authorization.substr(bearer.size()));
    }
    if (request->fill_server_id()) response->set_server_id("process " + std::to_string(getpid()));
    return Status::OK;
  }

  Status StreamingOutputCall(grpc::ServerContext* context, const StreamingOutputCallRequest* request,
                             grpc::ServerWriter<StreamingOutputCallResponse>* writer) override {
    for (const auto& parameters : request->response_parameters()) {
      if (parameters.compressed().value()) context->set_compression_algorithm(GRPC_COMPRESS_GZIP);
    }
    answer(context, *request, writer);
    return Status::OK;
  }

  Status StreamingInputCall(grpc::ServerContext*, grpc::ServerReader<StreamingInputCallRequest>* reader,
                            StreamingInputCallResponse* response) override {
    size_t size = 0;
    for (StreamingInputCallRequest request; reader->Read(&request);) size += request.payload().body().size();
    response->set_aggregated_payload_size(size);
    return Status::OK;
  }

  using Duplex = grpc::ServerReaderWriter<StreamingOutputCallResponse, StreamingOutputCallRequest>;

  Status FullDuplexCall(grpc::ServerContext* context, Duplex* stream) override {
    greet(context);
    for (StreamingOutputCallRequest request; stream->Read(&request);) {
      if (request.response_status().code()) return asked(request.response_status());
      answer(context, request, stream);
    }
    return Status::OK;
  }

  Status HalfDuplexCall(grpc::ServerContext* context, Duplex* stream) override {
    std::vector<StreamingOutputCallRequest> requests;
    for (StreamingOutputCallRequest request; stream->Read(&request);) requests.push_back(request);
    for (const auto& request : requests) answer(context, request, stream);
    return Status::OK;
  }
};

void serve(const std::string& address, const std::string& certificate) {
  auto credentials = grpc::InsecureServerCredentials();
  if (!certificate.empty()) {
    grpc::SslServerCredentialsOptions options;
    std::string pem = read_file(certificate);
    options.pem_key_cert_pairs.push_back({pem, pem});
    credentials = grpc::SslServerCredentials(options);
  }
  Service service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, credentials, &port).RegisterService(&service);
  auto server = builder.BuildAndStart();
  std::cout << port << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
  _exit(0);
}

// ---- the client ----

class BearerToken final : public grpc::MetadataCredentialsPlugin {
 public:
  explicit BearerToken(std::string token) : value_("Bearer " + token) {}
  Status GetMetadata(grpc::string_ref, grpc::string_ref, const grpc::AuthContext&,
                     std::multimap<std::string, std::string>* metadata) override {
    metadata->emplace("authorization", value_);
    return Status::OK;
  }

 private:
  std::string value_;
};

// One call: what all shapes do before it, between its messages and after it.
class Call {
 public:
  Call(const driver::Command& command, driver::Outcome* outcome) : command_(command), outcome_(outcome) {
    if (command.timeout_us()) {
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::microseconds(command.timeout_us()));
    }
    for (const auto& pair : command.metadata()) context.AddMetadata(pair.key(), pair.value());
    if (command.compression() == "gzip") context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    if (!command.token().empty()) {
      auto plugin = std::make_unique<BearerToken>(command.token());
      context.set_credentials(grpc::MetadataCredentialsFromPlugin(std::move(plugin)));
    }
  }

  template <class Request>
  Request request(int index) const {
    Request request;
    request.ParseFromString(command_.requests(index).message());
    return request;
  }

  template <class Writer, class Request>
  bool write(Writer* writer, int index) {
    return writer->Write(request<Request>(index), plain_unless(!command_.requests(index).plain()));
  }

  template <class Response>
  void take(const Response& response) {
    outcome_->add_responses(response.SerializeAsString());
    if (outcome_->responses_size() > 1) return;
    if (command_.cancel() == driver::AFTER_FIRST) context.TryCancel();
    std::this_thread::sleep_for(std::chrono::milliseconds(command_.pause_ms()));
  }

  void end(const Status& status) {
    outcome_->set_code(status.error_code());
    outcome_->set_message(status.error_message());
    for (const auto& pair : context.GetServerInitialMetadata()) add(outcome_->add_initial(), pair);
    for (const auto& pair : context.GetServerTrailingMetadata()) add(outcome_->add_trailing(), pair);
  }

  const driver::Command& command() const { return command_; }
  grpc::ClientContext context;

 private:
  template <class Found>
  static void add(driver::Pair* pair, const Found& found) {
    pair->set_key(std::string(found.first.data(), found.first.size()));
    pair->set_value(std::string(found.second.data(), found.second.size()));
  }

  const driver::Command& command_;
  driver::Outcome* outcome_;
};

template <class Stub, class Request, class Response>
void unary(Call& call, Stub* stub, Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*)) {
  Response response;
  Status status = (stub->*method)(&call.context, call.request<Request>(0), &response);
  if (status.ok()) call.take(response);
  call.end(status);
}

void input(Call& call, TestService::Stub* stub) {
  StreamingInputCallResponse response;
  auto writer = stub->StreamingInputCall(&call.context, &response);
  if (call.command().cancel() == driver::AT_ONCE) call.context.TryCancel();
  for (int i = 0; i < call.command().requests_size(); ++i) {
    if (!call.write<grpc::ClientWriter<StreamingInputCallRequest>, StreamingInputCallRequest>(writer.get(), i)) break;
  }
  writer->WritesDone();
  Status status = writer->Finish();
  if (status.ok()) call.take(response);
  call.end(status);
}

void output(Call& call, TestService::Stub* stub) {
  auto reader = stub->StreamingOutputCall(&call.context, call.request<StreamingOutputCallRequest>(0));
  for (StreamingOutputCallResponse response; reader->Read(&response);) call.take(response);
  call.end(reader->Finish());
}

using Duplex = grpc::ClientReaderWriter<StreamingOutputCallRequest, StreamingOutputCallResponse>;

void duplex(Call& call, std::unique_ptr<Duplex> stream) {
  StreamingOutputCallResponse response;
  const bool lockstep = call.command().lockstep();
  std::thread sender([&] {  // reading must not wait for writing
    for (int i = 0; !lockstep && i < call.command().requests_size(); ++i) {
      if (!call.write<Duplex, StreamingOutputCallRequest>(stream.get(), i)) break;
    }
    if (!lockstep) stream->WritesDone();
  });
  for (int i = 0; lockstep && i < call.command().requests_size(); ++i) {
    call.write<Duplex, StreamingOutputCallRequest>(stream.get(), i);
    if (stream->Read(&response)) call.take(response);
  }
  if (lockstep) stream->WritesDone();
  while (stream->Read(&response)) call.take(response);
  sender.join();
  call.end(stream->Finish());
}

void run(const driver::Command& command, const std::shared_ptr<grpc::Channel>& channel, driver::Outcome* outcome) {
  Call call(command, outcome);
  auto stub = TestService::NewStub(channel);
  auto unknown = UnimplementedService::NewStub(channel);
  const std::string& method = command.method();
  if (method == "TestService/EmptyCall") unary(call, stub.get(), &TestService::Stub::EmptyCall);
  if (method == "TestService/UnaryCall") unary(call, stub.get(), &TestService::Stub::UnaryCall);
  if (method == "TestService/UnimplementedCall") unary(call, stub.get(), &TestService::Stub::UnimplementedCall);
  if (method == "UnimplementedService/UnimplementedCall") {
    unary(call, unknown.get(), &UnimplementedService::Stub::UnimplementedCall);
  }
  if (method == "TestService/StreamingInputCall") input(call, stub.get());
  if (method == "TestService/StreamingOutputCall") output(call, stub.get());
  if (method == "TestService/FullDuplexCall") duplex(call, stub->FullDuplexCall(&call.context));
  if (method == "TestService/HalfDuplexCall") duplex(call, stub->HalfDuplexCall(&call.context));
}

std::string from_hex(const std::string& text) {
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes(text.size() / 2, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = digit(text[2 * i]) << 4 | digit(text[2 * i + 1]);
  return bytes;
}

std::string to_hex(const std::string& bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (unsigned char byte : bytes) (text += "0123456789abcdef"[byte >> 4]) += "0123456789abcdef"[byte & 15];
  return text;
}

void drive(const std::string& target, const std::string& roots) {
  auto credentials = grpc::InsecureChannelCredentials();
  if (!roots.empty()) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = read_file(roots);
    credentials = grpc::SslCredentials(options);
  }
  auto channel = grpc::CreateChannel(target, credentials);
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    driver::Command command;
    command.ParseFromString(from_hex(line));
    driver::Outcomes outcomes;
    std::vector<std::thread> threads;
    for (int i = 0; i < std::max(1, command.times()); ++i) {
      driver::Outcome* outcome = outcomes.add_outcomes();
      threads.emplace_back([&, outcome] { run(command, channel, outcome); });
    }
    for (auto& thread : threads) thread.join();
    std::cout << to_hex(outcomes.SerializeAsString()) << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  (argv[1] == std::string("server") ? serve : drive)(argv[2], argc > 3 ? argv[3] : "");
  return 0;
}
