#pragma once
/// A training request on simulated transactions that takes only seconds.

#include <string>

#include "sluice/base/file.h"
#include "sluice/io/simulate.h"
#include "sluice/training/train.h"
#include "support/temp_dir.h"

namespace sluice::test {

inline training::TrainRequest small_request(const TempDir& dir) {
  std::string text;
  io::simulate({.n_rows = 6000}, [&](std::string_view piece) { text += piece; });
  write_file(dir / "t.csv", text);
  training::TrainRequest request;
  request.data = dir / "t.csv";
  request.columns.label = "fraud";
  request.columns.drop = {"scenario"};
  request.forest_options.n_search = 2;
  request.forest_options.n_folds = 2;
  request.forest_options.max_rounds = 30;
  request.network_options.members = {dnn::MemberOptions::of(dnn::NetworkKind::tabm)};
  request.network_options.members[0].count = 2;
  request.network_options.members[0].hidden = {8};
  request.network_options.members[0].n_paths = 6;
  request.network_options.members[0].n_kept = 4;
  request.network_options.max_epochs = 3;
#ifndef SLUICE_HAVE_TORCH
  request.with_network = false;
#endif
  return request;
}

}  // namespace sluice::test
