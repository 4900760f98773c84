// PostgreSQL's JDBC driver: the same checks in the same order as harness.py, one JSON line for each.

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HexFormat;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

public final class Jdbc {
  private static final int LARGE = 50_000;
  private static final int COPIED = 20_000;
  private static final BufferedReader ANSWERS =
      new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

  private final Map<String, String> to;
  private final String tag;
  private Connection connection;

  private Jdbc(Map<String, String> to) {
    this.to = to;
    this.tag = "pgjdbc/" + to.get("way");
  }

  /** A check that says why it failed by throwing. */
  private interface Check {
    void run() throws Exception;
  }

  /** One argument for each way, made of NAME=VALUE lines; those of other addresses that must refuse begin with `refuses.N.`. */
  public static void main(String[] ways) {
    // It warns of a server of version 8.0, which is what there is.
    java.util.logging.LogManager.getLogManager().reset();
    say("client", "pgjdbc", "version", org.postgresql.util.DriverInfo.DRIVER_VERSION);
    for (String way : ways) {
      Map<String, String> to = new TreeMap<>();
      way.lines().map(line -> line.split("=", 2)).forEach(pair -> to.put(pair[0], pair[1]));
      new Jdbc(to).checkEverything();
    }
  }

  private void checkEverything() {
    check("connect", this::connects);
    check("simple", this::simple);
    check("extended", this::extended);
    check("prepared", this::prepared);
    check("large", this::large);
    check("copy_in", this::copyIn);
    check("copy_out", this::copyOut);
    check("error", this::error);
    check("cancel", this::cancel);
    check("disconnect", this::disconnect);
  }

  private void check(String name, Check check) {
    String failure = null;
    try {
      if (connection == null && !name.equals("connect")) connection = connect(to);
      check.run();
    } catch (Exception | AssertionError error) {
      failure = error.toString();
      // The next check gets a session that has seen nothing of this.
      close();
    }
    say("tag", tag, "check", name, "failure", failure);
  }

  private void close() {
    try {
      if (connection != null) connection.close();
    } catch (SQLException error) {
      // It was broken already.
    }
    connection = null;
  }

  private static Connection connect(Map<String, String> to, String... more) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", to.get("user"));
    if (to.containsKey("password")) properties.setProperty("password", to.get("password"));
    if (to.containsKey("sslmode")) properties.setProperty("sslmode", to.get("sslmode"));
    if (to.containsKey("ca_file")) properties.setProperty("sslrootcert", to.get("ca_file"));
    // Prepared at the server from its first use on, not from the fifth.
    properties.setProperty("prepareThreshold", "1");
    for (int at = 0; at < more.length; at += 2) properties.setProperty(more[at], more[at + 1]);
    return DriverManager.getConnection(
        "jdbc:postgresql://" + to.get("host") + ":" + to.get("port") + "/" + to.get("database"), properties);
  }

  private void connects() throws SQLException {
    for (int n = 0; to.containsKey("refuses." + n + ".port"); n++) {
      Map<String, String> other = new TreeMap<>(to);
      for (String name : new String[] {"port", "ca_file"}) {
        if (to.containsKey("refuses." + n + "." + name)) other.put(name, to.get("refuses." + n + "." + name));
      }
      try {
        connect(other).close();
      } catch (SQLException refused) {
        continue;
      }
      throw new AssertionError("connected to " + other + " all the same");
    }
    connection = connect(to);
    expect(ask("select current_user::text"), to.get("server_user"));
  }

  private void simple() throws SQLException {
    try (Connection other = connect(to, "preferQueryMode", "simple")) {
      expect(ask(other, "select 40 + 2 /* simple " + tag + " */"), "42");
    }
  }

  private void extended() throws SQLException {
    // The first of two prepareThreshold is sent without a name.
    try (PreparedStatement statement = connection.prepareStatement("select 40 + ?::int4 /* extended " + tag + " */")) {
      statement.setInt(1, 2);
      expect(only(statement.executeQuery()), "42");
    }
  }

  private void prepared() throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("select 40 + ?::int4 /* prepared " + tag + " */")) {
      for (int value = 1; value <= 3; value++) {
        statement.setInt(1, value);
        expect(only(statement.executeQuery()), String.valueOf(40 + value));
      }
    }
  }

  private void large() throws Exception {
    MessageDigest md5 = MessageDigest.getInstance("MD5");
    String sql = "select n, repeat(md5(n::text), 4) from generate_series(1, " + LARGE + ") as n";
    try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
      int n = 0;
      while (rows.next()) {
        n++;
        String hash = HexFormat.of().formatHex(md5.digest(String.valueOf(n).getBytes(StandardCharsets.US_ASCII)));
        if (rows.getInt(1) != n || !rows.getString(2).equals(hash.repeat(4))) throw new AssertionError("row " + n);
      }
      expect(String.valueOf(n), String.valueOf(LARGE));
    }
  }

  private static String copied() {
    StringBuilder text = new StringBuilder();
    for (int n = 1; n <= COPIED; n++) text.append(n).append("\t값 ").append(n).append('\n');
    return text.toString();
  }

  private void copyIn() throws Exception {
    tell("create temporary table taken_in (n int4, word varchar(64))");
    CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
    copy.copyIn("copy taken_in from stdin", new StringReader(copied()));
    String sum = String.valueOf(COPIED * (COPIED + 1) / 2);
    expect(ask("select count(*) || ' ' || sum(n) || ' ' || max(word) from taken_in"), COPIED + " " + sum + " 값 9999");
  }

  private void copyOut() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    String sql = "copy (select n, '값 ' || n from generate_series(1, " + COPIED + ") as n) to stdout";
    connection.unwrap(PGConnection.class).getCopyAPI().copyOut(sql, out);
    if (!out.toString(StandardCharsets.UTF_8).equals(copied())) throw new AssertionError("another text");
  }

  private void error() throws SQLException {
    expect(failure("select 1/0 as zero"), "22012");
    // Several statements at once, of which the second fails: the driver takes them apart, and the server what was done.
    String name = "made_by_" + tag.replaceAll("[^A-Za-z0-9]", "_");
    String script = "create table public.%1$s (n int4); select 1/0 as zero; create table public.%1$s_too (n int4)";
    expect(failure(String.format(script, name)), "22012");
    expect(ask("select count(*)::int4 from pg_class where strpos(relname, '" + name + "') = 1"), "0");
    connection.setAutoCommit(false);
    expect(failure("select 1/0 as zero"), "22012");
    expect(failure("select 1"), "25P02");
    connection.rollback();
    connection.setAutoCommit(true);
    expect(ask("select 7"), "7");
  }

  private void cancel() throws Exception {
    String needle = "canceled " + tag;
    String before = session();
    String[] told = new String[1];
    try (Statement statement = connection.createStatement()) {
      Thread waiting = new Thread(() -> {
        try {
          statement.execute("select pg_sleep(120)::text /* " + needle + " */");
          told[0] = "00000";
        } catch (SQLException error) {
          told[0] = error.getSQLState();
        }
      });
      waiting.start();
      expect(inquire("running", "needle", needle), "yes");
      statement.cancel();
      waiting.join();
    }
    expect(inquire("ended", "needle", needle), "canceled");
    expect(told[0], "57014");
    expect(session(), before);
  }

  private void disconnect() throws Exception {
    String before = session();
    close();
    expect(inquire("gone", "session", before), "the client disconnected");
  }

  private String session() throws SQLException {
    return ask("select pg_backend_pid()");
  }

  private String ask(String sql) throws SQLException {
    return ask(connection, sql);
  }

  private static String ask(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      return only(statement.executeQuery(sql));
    }
  }

  private void tell(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** The SQLSTATE with which a statement fails. */
  private String failure(String sql) {
    try {
      tell(sql);
      return "00000";
    } catch (SQLException error) {
      return error.getSQLState();
    }
  }

  private static String only(ResultSet rows) throws SQLException {
    rows.next();
    return rows.getString(1);
  }

  private static void expect(String actual, String expected) {
    if (!expected.equals(actual)) throw new AssertionError(actual + ", not " + expected);
  }

  /** Asks the test for something that the server knows. */
  private static String inquire(String what, String name, String value) throws Exception {
    say("inquiry", what, name, value);
    return ANSWERS.readLine().replace("\"", "");
  }

  /** One line of JSON: names and values in turn. */
  private static void say(String... pairs) {
    StringBuilder line = new StringBuilder("{");
    for (int at = 0; at < pairs.length; at += 2) {
      line.append(at > 0 ? "," : "").append(quoted(pairs[at])).append(':').append(quoted(pairs[at + 1]));
    }
    System.out.println(line.append('}'));
    System.out.flush();
  }

  private static String quoted(String text) {
    if (text == null) return "null";
    StringBuilder out = new StringBuilder("\"");
    for (char letter : text.toCharArray()) {
      if (letter == '"' || letter == '\\') out.append('\\').append(letter);
      else if (letter < ' ') out.append(String.format("\\u%04x", (int) letter));
      else out.append(letter);
    }
    return out.append('"').toString();
  }
}
