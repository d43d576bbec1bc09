import java.util.Collections;

/** The result lines of a driver: `PASS client column` and `FAIL client column: reason`. */
class Results {
    interface Test {
        void run() throws Exception;
    }

    private final String client;

    Results(String client) {
        this.client = client;
    }

    /** Runs one check and prints its result. */
    void column(String name, Test test) {
        try {
            test.run();
            System.out.println("PASS " + client + " " + name);
        } catch (Exception | AssertionError error) {
            String reason = error.toString().replaceAll("\\s+", " ");
            System.out.println("FAIL " + client + " " + name + ": " + reason.substring(0, Math.min(300, reason.length())));
        }
    }

    static void equal(Object found, Object wanted) {
        if (!wanted.equals(found)) {
            throw new AssertionError(found + ", not " + wanted);
        }
    }

    static String longText() {
        return String.join("", Collections.nCopies(70_000, "a"));
    }
}
