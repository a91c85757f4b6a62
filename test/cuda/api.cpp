// What can go wrong with the C API of two small networks, called Ada and Bob, in one program. Prints what is not as it
// should be; sanitizers print the rest.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include <cuda_runtime.h>

#include "ada/net.h"
#include "bob/net.h"

static int wrong = 0;

#define EXPECT(condition)                                                   \
  do {                                                                      \
    if (!(condition)) {                                                     \
      std::printf("line %d: %s\n", __LINE__, #condition);                   \
      wrong++;                                                              \
    }                                                                       \
  } while (0)

static std::vector<unsigned char> file_of(const char *path) {
  std::vector<unsigned char> bytes;
  std::FILE *file = std::fopen(path, "rb");
  for (int byte; (byte = std::fgetc(file)) != EOF;) bytes.push_back((unsigned char)byte);
  std::fclose(file);
  return bytes;
}

template <typename T> static T *device(size_t count) {
  void *pointer;
  cudaMalloc(&pointer, count * sizeof(T));
  return static_cast<T *>(pointer);
}

constexpr size_t IN = 3 * 5 * 7, OUT = 6;

static void weights() {
  const std::vector<unsigned char> right = file_of("ada/weights.bin"), other = file_of("bob/weights.bin");
  ada *net = reinterpret_cast<ada *>(1);
  EXPECT(ada_create(nullptr, right.data(), right.size()) == ADA_NULL_ARGUMENT);
  EXPECT(ada_create(&net, nullptr, right.size()) == ADA_NULL_ARGUMENT && net == nullptr);
  EXPECT(ada_create(&net, other.data(), other.size()) == ADA_WEIGHTS_OF_ANOTHER_NETWORK);
  for (const size_t size : {size_t(0), size_t(10), size_t(255), size_t(256), right.size() - 4, right.size() - 1}) {
    // Exactly as many bytes as are said, so that a sanitizer sees one more that is read.
    const std::vector<unsigned char> cut(right.begin(), right.begin() + long(size));
    EXPECT(ada_create(&net, size == 0 ? right.data() : cut.data(), size) == ADA_WEIGHTS_TOO_SHORT && net == nullptr);
  }
  std::vector<unsigned char> longer = right;
  longer.push_back(0);
  EXPECT(ada_create(&net, longer.data(), longer.size()) == ADA_WEIGHTS_TOO_LONG);
  std::vector<unsigned char> picture(300, 0x89);
  EXPECT(ada_create(&net, picture.data(), picture.size()) == ADA_WEIGHTS_NOT_FROM_SEC);
  std::vector<unsigned char> newer = right;
  newer[4] = 2;
  EXPECT(ada_create(&net, newer.data(), newer.size()) == ADA_WEIGHTS_NOT_FROM_SEC);

  EXPECT(ada_create_from_file(nullptr, "ada/weights.bin") == ADA_NULL_ARGUMENT);
  EXPECT(ada_create_from_file(&net, nullptr) == ADA_NULL_ARGUMENT);
  EXPECT(ada_create_from_file(&net, "no/such/file") == ADA_WEIGHTS_UNREADABLE && net == nullptr);
  EXPECT(ada_create_from_file(&net, "ada") == ADA_WEIGHTS_UNREADABLE); // a folder
  EXPECT(ada_create_from_file(&net, "bob/weights.bin") == ADA_WEIGHTS_OF_ANOTHER_NETWORK);
  EXPECT(ada_create_from_file(&net, "ada/net.h") == ADA_WEIGHTS_NOT_FROM_SEC);
  EXPECT(ada_create_from_file(&net, "ada/weights.bin") == ADA_OK && net != nullptr);
  ada_destroy(&net);
  EXPECT(net == nullptr);
  ada_destroy(&net);
  ada_destroy(nullptr);
}

static void devices() {
  ada *net;
  cuda_emulation::devices = 0;
  EXPECT(ada_create_from_file(&net, "ada/weights.bin") == ADA_NO_DEVICE && net == nullptr);
  cuda_emulation::devices = 2;
  cuda_emulation::kernels_fit = false;
  EXPECT(ada_create_from_file(&net, "ada/weights.bin") == ADA_NO_KERNELS_FOR_DEVICE && net == nullptr);
  cuda_emulation::kernels_fit = true;
  cuda_emulation::calls_left = 0;
  EXPECT(ada_create_from_file(&net, "ada/weights.bin") == ADA_OUT_OF_MEMORY && net == nullptr);
  cuda_emulation::calls_left = -1;
}

// How many of these launches are for this batch.
static unsigned launches_for(int batch, int first = 0, int count = ADA_LAUNCHES) {
  unsigned result = 0;
  for (int i = first; i < first + count; i++)
    result += ada_launch_at(i)->first_batch <= batch && batch <= ada_launch_at(i)->last_batch;
  return result;
}

static void runs() {
  ada *net;
  EXPECT(ada_create_from_file(&net, "ada/weights.bin") == ADA_OK);
  const int batch = 3;
  const size_t bytes = ada_workspace_bytes(batch);
  EXPECT(bytes > 0 && ada_workspace_bytes(0) == 0 && ada_workspace_bytes(-1) == 0);
  EXPECT(ada_workspace_bytes(ADA_MAX_BATCH) > 0 && ada_workspace_bytes(ADA_MAX_BATCH + 1) == 0);
  unsigned char *workspace = device<unsigned char>(bytes);
  float *image = device<float>(batch * IN + 4), *logits = device<float>(batch * OUT), *again = device<float>(batch * OUT);
  for (size_t i = 0; i < batch * IN + 4; i++) image[i] = float(i % 17) - 8;
  ada_tensors tensors = {image, logits};

  EXPECT(ada_run(nullptr, batch, &tensors, workspace, bytes, nullptr) == ADA_NULL_ARGUMENT);
  EXPECT(ada_run(net, batch, nullptr, workspace, bytes, nullptr) == ADA_NULL_ARGUMENT);
  EXPECT(ada_run(net, batch, &tensors, nullptr, bytes, nullptr) == ADA_NULL_ARGUMENT);
  ada_tensors empty = {nullptr, logits};
  EXPECT(ada_run(net, batch, &empty, workspace, bytes, nullptr) == ADA_NULL_ARGUMENT);
  empty = {image, nullptr};
  EXPECT(ada_run(net, batch, &empty, workspace, bytes, nullptr) == ADA_NULL_ARGUMENT);
  EXPECT(ada_run(net, 0, &tensors, workspace, bytes, nullptr) == ADA_BATCH_OUT_OF_RANGE);
  EXPECT(ada_run(net, -2147483647, &tensors, workspace, bytes, nullptr) == ADA_BATCH_OUT_OF_RANGE);
  EXPECT(ada_run(net, ADA_MAX_BATCH + 1, &tensors, workspace, bytes, nullptr) == ADA_BATCH_OUT_OF_RANGE);
  ada_tensors askew = {image + 1, logits};
  EXPECT(ada_run(net, batch, &askew, workspace, bytes, nullptr) == ADA_MISALIGNED);
  EXPECT(ada_run(net, batch, &tensors, workspace + 16, bytes, nullptr) == ADA_MISALIGNED);
  EXPECT(ada_run(net, batch, &tensors, workspace, bytes - 1, nullptr) == ADA_WORKSPACE_TOO_SMALL);
  cuda_emulation::current_device = 1;
  EXPECT(ada_run(net, batch, &tensors, workspace, bytes, nullptr) == ADA_OTHER_DEVICE);
  cuda_emulation::current_device = 0;
  EXPECT(ada_run_launches(net, -1, 1, batch, &tensors, workspace, bytes, nullptr) == ADA_LAUNCH_OUT_OF_RANGE);
  EXPECT(ada_run_launches(net, 1, ADA_LAUNCHES, batch, &tensors, workspace, bytes, nullptr) == ADA_LAUNCH_OUT_OF_RANGE);
  EXPECT(ada_run_launches(net, 2147483647, 1, batch, &tensors, workspace, bytes, nullptr) == ADA_LAUNCH_OUT_OF_RANGE);
  EXPECT(ada_launch_at(-1) == nullptr && ada_launch_at(ADA_LAUNCHES) == nullptr && ada_launch_at(0)->name != nullptr);
  for (int status = 0; status <= ADA_CUDA_ERROR + 1; status++) EXPECT(ada_status_text(ada_status(status))[0] != 0);

  EXPECT(ada_run(net, batch, &tensors, workspace, bytes, nullptr) == ADA_OK);

  // The same bits one image at a time.
  for (int i = 0; i < batch; i++) {
    float *one = device<float>(IN), *result = device<float>(OUT);
    cudaMemcpy(one, image + i * IN, IN * sizeof(float), cudaMemcpyDeviceToDevice);
    ada_tensors single = {one, result};
    EXPECT(ada_run(net, 1, &single, workspace, bytes, nullptr) == ADA_OK);
    EXPECT(std::memcmp(result, logits + i * OUT, OUT * sizeof(float)) == 0);
    cudaFree(one);
    cudaFree(result);
  }

  // From 32 images on gates are computed elsewhere: other launches, the same images to within rounding.
  EXPECT(launches_for(31) == launches_for(1) && launches_for(32) == launches_for(1) + 1);
  for (const int many : {31, 32, 33}) {
    float *images = device<float>(many * IN), *results = device<float>(many * OUT);
    for (int i = 0; i < many; i++)
      cudaMemcpy(images + i * IN, image + i % batch * IN, IN * sizeof(float), cudaMemcpyDeviceToDevice);
    unsigned char *more = device<unsigned char>(ada_workspace_bytes(many));
    ada_tensors all = {images, results};
    EXPECT(ada_run(net, many, &all, more, ada_workspace_bytes(many), nullptr) == ADA_OK);
    for (size_t i = 0; i < many * OUT; i++) {
      const float expected = logits[i % (batch * OUT)];
      EXPECT(std::fabs(results[i] - expected) <= 1e-5f * (1 + std::fabs(expected)));
    }
    for (void *pointer : {static_cast<void *>(images), static_cast<void *>(results), static_cast<void *>(more)})
      cudaFree(pointer);
  }

  // A graph binds its pointers; it runs when it is launched.
  ada_graph *graph = nullptr;
  ada_tensors bound = {image, again};
  EXPECT(ada_graph_create(nullptr, net, batch, &bound, workspace, bytes) == ADA_NULL_ARGUMENT);
  EXPECT(ada_graph_create(&graph, net, 0, &bound, workspace, bytes) == ADA_BATCH_OUT_OF_RANGE && graph == nullptr);
  EXPECT(ada_graph_launch(nullptr, nullptr) == ADA_NULL_ARGUMENT);
  // Whichever call fails on the way, nothing is left of it: two streams, two events, the launches, the graph.
  int calls = 0;
  for (bool made = false; !made; calls++) {
    cuda_emulation::calls_left = calls;
    cuda_emulation::launches = cuda_emulation::overlapping_launches = 0;
    const ada_status status = ada_graph_create(&graph, net, batch, &bound, workspace, bytes);
    cuda_emulation::calls_left = -1;
    made = status == ADA_OK;
    EXPECT(made ? graph != nullptr : status == ADA_OUT_OF_MEMORY && graph == nullptr);
  }
  EXPECT(unsigned(calls - 1) == 4 + launches_for(batch) + 1);
  // All but the first launch, the one on a branch, and those at its fork and its join.
  EXPECT(cuda_emulation::launches == launches_for(batch));
  EXPECT(cuda_emulation::overlapping_launches == launches_for(batch) - 4);
  EXPECT(cuda_emulation::conflicts == 0);
  for (const auto order : {cuda_emulation::ascending, cuda_emulation::descending}) {
    std::memset(again, 0xff, batch * OUT * sizeof(float));
    cuda_emulation::order = order;
    EXPECT(ada_graph_launch(graph, nullptr) == ADA_OK);
    EXPECT(std::memcmp(again, logits, batch * OUT * sizeof(float)) == 0);
  }
  cuda_emulation::order = cuda_emulation::ascending;
  ada_graph_destroy(&graph);
  ada_graph_destroy(&graph);
  EXPECT(graph == nullptr);

  // Two threads, each with a workspace of its own, and another network beside them.
  float *results[2] = {device<float>(batch * OUT), device<float>(batch * OUT)};
  std::thread threads[2];
  for (int i = 0; i < 2; i++)
    threads[i] = std::thread([&, i] {
      unsigned char *own = device<unsigned char>(bytes);
      ada_tensors mine = {image, results[i]};
      for (int repeat = 0; repeat < 5; repeat++) EXPECT(ada_run(net, batch, &mine, own, bytes, nullptr) == ADA_OK);
      cudaFree(own);
    });
  bob *other;
  EXPECT(bob_create_from_file(&other, "bob/weights.bin") == BOB_OK);
  bob_destroy(&other);
  for (int i = 0; i < 2; i++) {
    threads[i].join();
    EXPECT(std::memcmp(results[i], logits, batch * OUT * sizeof(float)) == 0);
    cudaFree(results[i]);
  }

  // No activation makes a number of what is none, and it stays in its image.
  ada_tensors spoilt = {image, again};
  image[IN + 7] = std::nanf("");
  EXPECT(ada_run(net, batch, &spoilt, workspace, bytes, nullptr) == ADA_OK);
  for (size_t i = 0; i < batch * OUT; i++) EXPECT(i / OUT == 1 ? std::isnan(again[i]) : again[i] == logits[i]);

  for (void *pointer : {static_cast<void *>(workspace), static_cast<void *>(image), static_cast<void *>(logits),
           static_cast<void *>(again)})
    cudaFree(pointer);
  ada_destroy(&net);
}

// Launches overlap where kernels wait for one another; the first one of a run waits for what is before the run.
static void overlaps() {
  const size_t bytes = ada_workspace_bytes(1);
  unsigned char *workspace = device<unsigned char>(bytes);
  float *image = device<float>(IN), *logits = device<float>(OUT), *again = device<float>(OUT);
  for (size_t i = 0; i < IN; i++) image[i] = float(i % 13) - 6;
  const auto overlapping = [&](float *result, int first, int count) {
    ada *net;
    EXPECT(ada_create_from_file(&net, "ada/weights.bin") == ADA_OK);
    cuda_emulation::launches = cuda_emulation::overlapping_launches = 0;
    ada_tensors tensors = {image, result};
    EXPECT(ada_run_launches(net, first, count, 1, &tensors, workspace, bytes, nullptr) == ADA_OK);
    EXPECT(cuda_emulation::launches == launches_for(1, first, count));
    ada_destroy(&net);
    return cuda_emulation::overlapping_launches;
  };
  EXPECT(overlapping(logits, 0, ADA_LAUNCHES) == launches_for(1) - 1);
  EXPECT(overlapping(logits, ADA_LAUNCHES - 1, 1) == 0);
  cuda_emulation::driver_version = 12020;
  EXPECT(overlapping(again, 0, ADA_LAUNCHES) == 0);
  cuda_emulation::driver_version = 13000;
  // Kernels that were compiled for sm_80 do not wait, whatever the device is.
  cuda_emulation::architecture = 80;
  EXPECT(overlapping(again, 0, ADA_LAUNCHES) == 0);
  cuda_emulation::architecture = 90;
  EXPECT(std::memcmp(again, logits, OUT * sizeof(float)) == 0);
  for (float *pointer : {image, logits, again}) cudaFree(pointer);
  cudaFree(workspace);
}

int main(int count, char **) {
  if (count > 1) { // leaves a net behind, for the leak sanitizer to find
    ada *net;
    const ada_status status = ada_create_from_file(&net, "ada/weights.bin");
    net = nullptr;
    return status;
  }
  weights();
  devices();
  runs();
  overlaps();
  if (wrong == 0) std::puts("as it should be");
  return wrong == 0 ? 0 : 1;
}
