// Runs single launches of a net.cu, and the whole network, for `sec verify`: requests come on standard input, answers go
// to standard output, both as little-endian words and floats. NET is the file, PREFIX the network's prefix.
#include NET

#include <cstdint>
#include <vector>

#define JOINED(a, b) a##b
#define JOIN(a, b) JOINED(a, b)
#define OF_NET(name) JOIN(PREFIX, name)

namespace {

bool read_bytes(void *to, size_t bytes) { return std::fread(to, 1, bytes, stdin) == bytes; }

uint32_t word() {
  uint32_t value = 0;
  if (!read_bytes(&value, sizeof value)) std::_Exit(4);
  return value;
}

void write_bytes(const void *from, size_t bytes) {
  if (std::fwrite(from, 1, bytes, stdout) != bytes) std::_Exit(4);
}

/** Device memory of exactly this size; nothing but NaN is in it. */
struct Buffer {
  unsigned char *bytes = nullptr;
  size_t size;

  explicit Buffer(size_t size) : size(size) {
    void *memory;
    cudaMalloc(&memory, size);
    bytes = static_cast<unsigned char *>(memory);
  }
  Buffer(const Buffer &) = delete;
  Buffer(Buffer &&other) : bytes(other.bytes), size(other.size) { other.bytes = nullptr; }
  ~Buffer() { cudaFree(bytes); }

  void read() {
    if (size > 0 && !read_bytes(bytes, size)) std::_Exit(4);
  }

  /** As new. */
  void forget() const {
    std::memset(bytes, 0xff, size);
    cuda_emulation::forget(bytes, size);
  }
};

struct Bound {
  uint32_t value;
  Buffer buffer;
};

/**
 * launch, batch; reads: count, (value, floats, data)...; weights: offset, bytes, data; writes: count, (value, floats)...;
 * what its blocks share: count, (value, bytes before it, bytes, what each byte is at first)...
 */
void run_launch() {
  const uint32_t launch = word(), batch = word();
  std::vector<Bound> reads, writes;
  for (uint32_t count = word(); count > 0; count--) {
    const uint32_t value = word(), floats = word();
    reads.push_back({value, Buffer(size_t(floats) * 4)});
    reads.back().buffer.read();
  }
  const size_t offset = word(), bytes = word();
  std::vector<unsigned char> packed(bytes);
  if (bytes > 0 && !read_bytes(packed.data(), bytes)) std::_Exit(4);
  const Buffer weights(bytes);
  cudaMemcpy(weights.bytes, packed.data(), bytes, cudaMemcpyHostToDevice);
  for (uint32_t count = word(); count > 0; count--) {
    const uint32_t value = word(), floats = word();
    writes.push_back({value, Buffer(size_t(floats) * 4)});
  }

  struct Shared {
    Bound bound;
    size_t before;
    int byte;
  };
  std::vector<Shared> shared;
  for (uint32_t count = word(); count > 0; count--) {
    const uint32_t value = word(), before = word(), bytes = word(), byte = word();
    shared.push_back({{value, Buffer(bytes)}, before, int(byte)});
  }

  // With slices apart, where they may be, and without; threads and blocks in both orders.
  struct Way {
    bool apart;
    cuda_emulation::Order order;
  };
  std::vector<Way> ways = {{false, cuda_emulation::ascending}, {false, cuda_emulation::descending}};
  if (!shared.empty()) ways.insert(ways.end(), {{true, cuda_emulation::ascending}, {true, cuda_emulation::descending}});
  std::vector<unsigned char> first;
  for (const Way &way : ways) {
    cuda_emulation::order = way.order;
    void *v[value::COUNT] = {};
    for (const Bound &each : reads) v[each.value] = each.buffer.bytes;
    for (const Shared &each : shared) {
      if (each.byte == 0) std::memset(each.bound.buffer.bytes, 0, each.bound.buffer.size);
      else each.bound.buffer.forget();
      const auto whole = reinterpret_cast<uintptr_t>(each.bound.buffer.bytes) - each.before;
      if (way.apart) v[each.bound.value] = reinterpret_cast<void *>(whole);
    }
    for (const Bound &each : writes) {
      each.buffer.forget();
      v[each.value] = each.buffer.bytes;
    }
    // The section lies at its offset of a whole that is not there.
    const auto base = reinterpret_cast<uintptr_t>(weights.bytes) - offset;
    // Each may begin before others have ended, as in a run but for the first.
    const Queue queue = {nullptr, true};
    // As after `create`, which is not called here.
    const size_t unasked = cuda_emulation::unasked_bytes;
    cuda_emulation::unasked_bytes = cuda_emulation::asked_bytes;
    const cudaError_t error = enqueue(int(launch), batch, v, reinterpret_cast<const unsigned char *>(base), queue);
    cuda_emulation::unasked_bytes = unasked;
    if (error != cudaSuccess) {
      std::fprintf(stderr, "the launch was refused: error %d\n", int(error));
      std::_Exit(3);
    }
    std::vector<unsigned char> written;
    for (const Bound &each : writes) {
      cuda_emulation::check_stored(each.buffer.bytes, each.buffer.size);
      written.insert(written.end(), each.buffer.bytes, each.buffer.bytes + each.buffer.size);
    }
    // What was left alone is compared, too.
    cuda_emulation::reveal(written.data(), written.size());
    if (&way == &ways[0]) first = written;
    else if (first != written) {
      const char *why = way.apart && way.order == cuda_emulation::ascending
                            ? "the result is another one where slices are apart"
                            : "the result depends on the order in which threads run: a barrier is missing";
      std::fprintf(stderr, "%s\n", why);
      std::_Exit(3);
    }
  }
  cuda_emulation::order = cuda_emulation::ascending;
  write_bytes(first.data(), first.size());
}

/** As a graph, with branches as early and as late as they may be: the same bits. */
void check_graph(const struct PREFIX *net, int batch, const OF_NET(_tensors) &bound, const std::vector<Bound> &tensors,
    const Buffer &workspace) {
  std::vector<std::vector<unsigned char>> expected;
  for (const Bound &each : tensors) expected.emplace_back(each.buffer.bytes, each.buffer.bytes + each.buffer.size);
  for (const auto order : {cuda_emulation::ascending, cuda_emulation::descending}) {
    workspace.forget();
    for (const Bound &each : tensors)
      if (each.value == 0) each.buffer.forget();
    struct OF_NET(_graph) *graph;
    auto status = OF_NET(_graph_create)(&graph, net, batch, &bound, workspace.bytes, workspace.size);
    cuda_emulation::order = order;
    if (status == 0) status = OF_NET(_graph_launch)(graph, nullptr);
    cuda_emulation::order = cuda_emulation::ascending;
    OF_NET(_graph_destroy)(&graph);
    if (status != 0) {
      std::fprintf(stderr, "a run cannot be made a graph: %s\n", OF_NET(_status_text)(status));
      std::_Exit(3);
    }
    for (size_t i = 0; i < tensors.size(); i++) {
      if (std::memcmp(expected[i].data(), tensors[i].buffer.bytes, expected[i].size()) == 0) continue;
      const char *when = order == cuda_emulation::ascending ? "early" : "late";
      std::fprintf(stderr, "a graph whose branches start %s differs from a run\n", when);
      std::_Exit(3);
    }
  }
  if (cuda_emulation::conflicts == 0) return;
  std::fprintf(stderr, "a graph may run two launches at the same time, though one writes memory of the other\n");
  std::_Exit(3);
}

/** batch, bytes of weights.bin, data; tensors: count, (floats, is input)..., the inputs' data. Answers a status, its text, the outputs. */
void run_network() {
  const uint32_t batch = word();
  std::vector<unsigned char> file(word());
  if (!read_bytes(file.data(), file.size())) std::_Exit(4);
  std::vector<Bound> tensors;
  for (uint32_t count = word(); count > 0; count--) {
    const uint32_t floats = word(), is_input = word();
    tensors.push_back({is_input, Buffer(size_t(floats) * 4)});
  }
  for (Bound &each : tensors)
    if (each.value != 0) each.buffer.read();
  OF_NET(_tensors) bound;
  if (sizeof bound != tensors.size() * sizeof(void *)) std::_Exit(4);
  std::vector<void *> pointers;
  for (const Bound &each : tensors) pointers.push_back(each.buffer.bytes);
  std::memcpy(&bound, pointers.data(), sizeof bound);

  struct PREFIX *net;
  uint32_t status = OF_NET(_create)(&net, file.data(), file.size());
  if (status == 0) {
    const Buffer workspace(OF_NET(_workspace_bytes)(int(batch)));
    status = OF_NET(_run)(net, int(batch), &bound, workspace.bytes, workspace.size, nullptr);
    // Elsewhere a graph has one order only, which is that of the run.
    if (status == 0 && BRANCHES[0].launch >= 0) check_graph(net, int(batch), bound, tensors, workspace);
    OF_NET(_destroy)(&net);
  }
  const char *const text = OF_NET(_status_text)(static_cast<OF_NET(_status)>(status));
  const uint32_t length = uint32_t(std::strlen(text));
  write_bytes(&status, sizeof status);
  write_bytes(&length, sizeof length);
  write_bytes(text, length);
  for (const Bound &each : tensors)
    if (each.value == 0) write_bytes(each.buffer.bytes, each.buffer.size);
}

} // namespace

int main() {
  uint32_t request;
  while (read_bytes(&request, sizeof request)) {
    if (request == 0) run_launch();
    else run_network();
    std::fflush(stdout);
  }
  return 0;
}
