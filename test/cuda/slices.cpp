// Runs a network called Cut, whose sums are in slices that are apart up to a batch of 2, in every way that there is. Prints
// the first thing that has other bits than the rest.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <cuda_runtime.h>

#include "net.h"

constexpr size_t IN = 12 * 5 * 7, OUT = 5;

static void expect(bool condition, const char *what) {
  if (condition) return;
  std::puts(what);
  std::fflush(stdout);
  std::_Exit(1);
}

/** Device memory of exactly this size. */
template <typename T> struct Memory {
  T *data;
  size_t bytes;
  Memory(size_t count) : bytes(count * sizeof(T)) {
    void *pointer;
    cudaMalloc(&pointer, bytes);
    data = static_cast<T *>(pointer);
  }
  ~Memory() { cudaFree(data); }
};

int main() {
  cut *net;
  const cut_status status = cut_create_from_file(&net, "weights.bin");
  expect(status == CUT_OK, cut_status_text(status));
  const int most = 3;
  Memory<float> image(most * IN), logits(most * OUT), again(most * OUT);
  for (size_t i = 0; i < most * IN; i++) image.data[i] = float(i * 7 % 23) / 11 - 1;

  // One block for all slices of a tile.
  Memory<unsigned char> all(cut_workspace_bytes(most));
  cut_tensors tensors = {image.data, logits.data};
  expect(cut_run(net, most, &tensors, all.data, all.bytes, nullptr) == CUT_OK, "a run");

  for (int batch = 1; batch < 9; batch++)
    expect(cut_workspace_bytes(batch) <= cut_workspace_bytes(batch + 1), "a workspace for a larger batch");

  tensors.y = again.data;
  // Images from the first or from the second one on, so that what another run has left is not right by chance.
  int first = 0;
  const auto others = [&] {
    first = 1 - first;
    tensors.image = image.data + first * IN;
    std::memset(again.data, 0xff, again.bytes);
  };
  const auto same = [&](int batch) {
    return std::memcmp(again.data, logits.data + first * OUT, batch * OUT * sizeof(float)) == 0;
  };
  for (int batch = 1; batch < most; batch++) {
    Memory<unsigned char> workspace(cut_workspace_bytes(batch));
    for (const auto order : {cuda_emulation::ascending, cuda_emulation::descending}) {
      cuda_emulation::order = order;
      std::memset(workspace.data, 0, workspace.bytes);
      for (const char *what : {"slices that are apart", "a second run in the same workspace"}) {
        others();
        expect(cut_run(net, batch, &tensors, workspace.data, workspace.bytes, nullptr) == CUT_OK, "a run");
        expect(same(batch), what);
      }
      std::memset(workspace.data, 0x11, workspace.bytes);
      others();
      expect(cut_run(net, batch, &tensors, workspace.data, workspace.bytes, nullptr) == CUT_OK, "a run");
      expect(same(batch), "a workspace with anything in it");

      // A launch finds the counters as the one before left them.
      others();
      for (int launch = 0; launch < CUT_LAUNCHES; launch++)
        for (int repeat = 0; repeat < 2; repeat++)
          expect(cut_run_launches(net, launch, 1, batch, &tensors, workspace.data, workspace.bytes, nullptr) == CUT_OK,
              "a launch alone");
      expect(same(batch), "launches alone, each twice");

      others();
      cut_graph *graph;
      expect(cut_graph_create(&graph, net, batch, &tensors, workspace.data, workspace.bytes) == CUT_OK, "a graph");
      for (int repeat = 0; repeat < 2; repeat++) {
        expect(cut_graph_launch(graph, nullptr) == CUT_OK, "a graph");
        expect(same(batch), "a graph");
      }
      cut_graph_destroy(&graph);
    }
  }
  cuda_emulation::order = cuda_emulation::ascending;
  cut_destroy(&net);
  cuda_emulation::asked_bytes = 64 * 1024;
  expect(cut_create_from_file(&net, "weights.bin") == CUT_CUDA_ERROR && net == nullptr, "a device of less shared memory");
  std::puts("as it should be");
  return 0;
}
