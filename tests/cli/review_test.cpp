// Reviews and late labels from the queue to a backtest, as a user would proceed.
#include <nlohmann/json.hpp>

#include "cli/logged_folder.h"
#include "sluice/cascade/engine.h"

using namespace sluice;
using test::lines_of;
using test::run;

TEST_CASE("the queue lists every REVIEW without a final review, and review record removes a decision from it") {
  const test::LoggedFolder logged;
  const cascade::Engine engine(logged.bundle);
  std::vector<std::size_t> waiting;
  for (std::size_t i = 0; i < logged.rows.n_rows(); ++i)
    if (engine.decide(logged.rows.row(i)).action == cascade::Action::review) waiting.push_back(i);
  REQUIRE(waiting.size() > 4);

  const auto listed = lines_of(run(logged.path(), "sluice review queue log").out);
  REQUIRE(listed.size() == waiting.size() + 1);
  CHECK(listed[0] == "index,id,time,p_final,level,rules,reasons");
  for (std::size_t k = 0; k < waiting.size(); ++k)
    CHECK_THAT(listed[k + 1], Catch::StartsWith(std::to_string(waiting[k]) + "," + logged.id(waiting[k]) + ","));

  const std::string by_id = "sluice review record log --by 'A. Jansen' --id " + logged.id(waiting[0]);
  REQUIRE(run(logged.path(), by_id + " --action REVIEW --why SECOND_EYES --time 2024-05-01T10:00:00Z").exit_code == 0);
  CHECK(lines_of(run(logged.path(), "sluice review queue log").out) == listed);
  REQUIRE(run(logged.path(), by_id + " --action DECLINE --why INCOME --note 'a slip'").exit_code == 0);
  const auto rest = run(logged.path(), "sluice review queue log --out q.csv && cat q.csv");
  CHECK_THAT(rest.out, Catch::StartsWith(std::to_string(waiting.size() - 1) + " decisions wait"));
  CHECK_THAT(rest.out, !Catch::Contains(logged.id(waiting[0]) + ","));

  const auto shown = run(logged.path(), "sluice audit show log --id " + logged.id(waiting[0]));
  const auto json = nlohmann::json::parse(shown.out);
  CHECK(json["record"]["action"] == "REVIEW");
  CHECK(json["review"]["action"] == "DECLINE");
  CHECK(json["review"]["by"] == "A. Jansen");
  CHECK(json["review"]["note"] == "a slip");
  CHECK(run(logged.path(), "sluice audit verify log").exit_code == 0);
  CHECK_THAT(run(logged.path(), "sluice audit verify log --json").out, Catch::Contains("\"reviews\":2"));
}

TEST_CASE("a review must name exactly one existing decision") {
  const test::LoggedFolder logged(20);
  REQUIRE(
      run(logged.path(), "sluice score --bundle bundle --data rows.csv --id id --audit log --out d.csv").exit_code ==
      0);
  const auto record = [&](const std::string& which) {
    return run(logged.path(), "sluice review record log --by B --action APPROVE --why C " + which);
  };
  CHECK_THAT(record("--id request-3").err, Catch::Contains("review.which") && Catch::Contains("3, 23"));
  CHECK(record("--id request-3").exit_code == 1);
  CHECK(record("--index 23").exit_code == 0);
  CHECK_THAT(record("--index 40").err, Catch::Contains("not a readable decision"));
  CHECK_THAT(record("--id unknown").err, Catch::Contains("review.which: log: 0 decisions"));
  CHECK(record("").exit_code == 2);
  CHECK(record("--index 3 --id request-3").exit_code == 2);
  CHECK(record("--index 3 --time yesterday").exit_code == 2);
  CHECK(run(logged.path(), "sluice review record log --by B --action YES --why C --index 3").exit_code == 2);
}

TEST_CASE("an import records a whole table, or reports the wrong line and records nothing") {
  const test::LoggedFolder logged(20);
  const std::string head = "id,by,action,why,note,time\n", sound = "request-1,A,APPROVE,X,\"a, b\",2024-05-01\n";
  const auto import = [&](const std::string& text) {
    write_file(logged.path() / "r.csv", text);
    return run(logged.path(), "sluice review import log --from r.csv");
  };
  const std::pair<std::string, std::string> wrong[] = {{"request-1,A,MAYBE,X,,\n", "review.action: r.csv line 3"},
                                                       {"request-1,,APPROVE,X,,\n", "review.text: r.csv line 3"},
                                                       {"request-1,A,APPROVE,,,\n", "review.text: r.csv line 3"},
                                                       {",A,APPROVE,X,,\n", "review.which: r.csv line 3"},
                                                       {"unknown,A,APPROVE,X,,\n", "review.which: r.csv line 3"},
                                                       {"request-1,A,APPROVE,X,,soon\n", "review.time: r.csv line 3"},
                                                       {"request-1,A,APPROVE\n", "csv.field_count: r.csv line 3"}};
  for (const auto& [line, message] : wrong) {
    const auto refused = import(head + sound + line);
    CAPTURE(line);
    CHECK(refused.exit_code == 1);
    CHECK_THAT(refused.err, Catch::Contains(message));
  }
  CHECK_THAT(import("index,by,action\n").err, Catch::Contains("review.column"));
  CHECK_THAT(import("index,by,action,why\nx,A,APPROVE,X\n").err, Catch::Contains("review.index: r.csv line 2"));
  CHECK_THAT(run(logged.path(), "sluice audit verify log --json").out, Catch::Contains("\"reviews\":0"));
  REQUIRE(import(head + sound + "request-2,A,DECLINE,Y,,\n").exit_code == 0);
  const auto shown = nlohmann::json::parse(run(logged.path(), "sluice audit show log --id request-1").out);
  CHECK(shown["review"]["note"] == "a, b");
  CHECK(shown["review"]["time_us"] == 1'714'521'600'000'000);
}

TEST_CASE("a backtest of joined labels equals a backtest of the rows") {
  const test::LoggedFolder logged(400);
  REQUIRE(run(logged.path(), "sluice review record log --by A --action DECLINE --why INCOME --index 4").exit_code == 0);
  const std::string join =
      "sluice labels join --audit log --bundle bundle --labels labels.csv --id request --label outcome";
  const auto joined = run(logged.path(), join + " --out joined.csv");
  CAPTURE(joined.err);
  REQUIRE(joined.exit_code == 0);
  CHECK(joined.out == "200 decisions with a label, 200 without, 0 erased; 0 labels without a decision\n");
  CHECK(run(logged.path(), join).out == read_file(logged.path() / "joined.csv"));
  const auto lines = lines_of(read_file(logged.path() / "joined.csv"));
  CHECK_THAT(lines[0], Catch::EndsWith(",sex,outcome,log_index,log_action,review_action,review_why"));
  CHECK_THAT(lines[3], Catch::StartsWith("request-4,") && Catch::EndsWith(",DECLINE,INCOME"));
  CHECK_THAT(lines[4], Catch::EndsWith(",,"));

  // The header and every second row: the rows that have a label.
  REQUIRE(run(logged.path(), "awk 'NR == 1 || NR % 2 == 0' rows.csv >half.csv").exit_code == 0);
  for (const char* flags : {"--data joined.csv --label outcome --out a", "--data half.csv --label bad --out b"})
    REQUIRE(
        run(logged.path(), std::string("sluice backtest --bundle bundle --slice country --quiet ") + flags).exit_code ==
        0);
  auto a = nlohmann::json::parse(read_file(logged.path() / "a" / "report.json")),
       b = nlohmann::json::parse(read_file(logged.path() / "b" / "report.json"));
  CHECK(a["n_rows"] == b["n_rows"]);
  for (auto* report : {&a, &b})
    for (const char* name : {"data", "label"}) report->erase(name);
  CHECK(a == b);
}

TEST_CASE("contradicting labels are refused, and missing labels are not known yet") {
  const test::LoggedFolder logged(20);
  const auto join = [&](const std::string& text, const std::string& more = "--label y") {
    write_file(logged.path() / "l.csv", text);
    return run(logged.path(), "sluice labels join --audit log --bundle bundle --labels l.csv --id id " + more);
  };
  CHECK_THAT(join("id,y\nrequest-1,0\nrequest-1,1\n").err, Catch::Contains("labels.conflict: l.csv line 3"));
  CHECK_THAT(join("id,y\n,1\n").err, Catch::Contains("labels.id: l.csv line 2"));
  CHECK_THAT(join("id,x\nrequest-1,0\n").err, Catch::Contains("labels.column"));
  CHECK_THAT(join("id,amount\nrequest-1,0\n", "--label amount").err, Catch::Contains("labels.column"));
  CHECK_THAT(join("id,y\nrequest-1,\nrequest-2,1\nrequest-2,1\nelse,0\n").err,
             Catch::StartsWith("1 decisions with a label, 19 without, 0 erased; 1 labels without a decision"));
}
