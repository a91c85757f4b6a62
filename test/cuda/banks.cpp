// Counts how often a warp has to go to shared memory for what its lanes ask for at once: net.cu tells what it touches there.
// Prints of each line the bytes of a lane, and the most turns that a warp took where one would do.
#include <cstdint>
#include <cstdio>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "cuda_runtime.h"
#include "ptx.h"

namespace watched {

/** What the lanes of a warp touch together: those that have been on a line equally often. */
struct Access {
  unsigned bytes;
  std::vector<std::pair<unsigned, uintptr_t>> lanes;
};
std::map<std::tuple<int, unsigned, unsigned>, Access> accesses; // by line, visit and warp
std::map<std::pair<int, unsigned>, unsigned> visits;            // by line and thread

void touch(const void *at, unsigned bytes, int line) {
  if (blockIdx.x + blockIdx.y + blockIdx.z > 0) return;
  const unsigned thread = threadIdx.x, visit = visits[{line, thread}]++;
  Access &access = accesses[{line, visit, thread / 32}];
  access.bytes = bytes;
  access.lanes.push_back({thread % 32, reinterpret_cast<uintptr_t>(at)});
}

/** A turn brings 128 bytes: for eight lanes with 16 bytes each, sixteen with 8, or all with 4. */
unsigned turns(const Access &access) {
  const unsigned together = 128 / access.bytes;
  unsigned most = 0;
  for (unsigned first = 0; first < 32; first += together) {
    std::map<unsigned, std::set<uintptr_t>> words;
    for (const auto &[lane, at] : access.lanes)
      if (lane / together == first / together)
        for (uintptr_t word = at / 4; word < (at + access.bytes) / 4; word++) words[word % 32].insert(word);
    for (const auto &[bank, of_bank] : words)
      if (of_bank.size() > most) most = unsigned(of_bank.size());
  }
  return most;
}

void print() {
  std::map<int, std::pair<unsigned, unsigned>> worst;
  for (const auto &[key, access] : accesses) {
    auto &[bytes, most] = worst[std::get<0>(key)];
    bytes = access.bytes;
    if (turns(access) > most) most = turns(access);
  }
  for (const auto &[line, found] : worst) std::printf("%d %u %u\n", line, found.first, found.second);
}

template <typename T> T *as(void *at, int line = __builtin_LINE()) {
  touch(at, sizeof(T), line);
  return static_cast<T *>(at);
}

unsigned word(const float &at, int line = __builtin_LINE()) {
  touch(&at, sizeof at, line);
  return __float_as_uint(at);
}

template <unsigned BYTES> void copy_async(void *to, const void *from, bool there, int line = __builtin_LINE()) {
  touch(to, BYTES, line);
  ::copy_async<BYTES>(to, from, there);
}

template <unsigned BYTES> void copy_async_kept(void *to, const void *from, bool there, int line = __builtin_LINE()) {
  copy_async<BYTES>(to, from, there, line);
}

void load_matrices(unsigned (&to)[4], const void *row, int line = __builtin_LINE()) {
  touch(row, 16, line);
  ::load_matrices(to, row, line);
}

void load_matrices_transposed(
    unsigned (&left)[2], unsigned (&right)[2], const void *row, int line = __builtin_LINE()) {
  touch(row, 16, line);
  ::load_matrices_transposed(left, right, row, line);
}

} // namespace watched

#include "net.cu"

/** Runs a network called Banks for one image; what it computes does not matter. */
int main() {
  const auto memory = [](size_t bytes) {
    void *pointer;
    cudaMalloc(&pointer, bytes);
    std::memset(pointer, 0, bytes);
    return pointer;
  };
  cuda_emulation::unasked_bytes = cuda_emulation::asked_bytes;
  const banks net = {0, static_cast<unsigned char *>(memory(WEIGHT_BYTES)), false};
  banks_tensors tensors;
  void *bound[sizeof tensors / sizeof(void *)];
  for (void *&each : bound) each = memory(1 << 20);
  std::memcpy(&tensors, bound, sizeof tensors);
  const size_t bytes = banks_workspace_bytes(1);
  if (banks_run(&net, 1, &tensors, memory(bytes), bytes, nullptr) != BANKS_OK) return 1;
  watched::print();
  return 0;
}
