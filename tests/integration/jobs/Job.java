// SPDX-License-Identifier: MIT
// A job for java.
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

public class Job {
    static int deep(int n) {
        if (n == 0) {
            throw new IllegalStateException("the bottom");
        }
        return deep(n - 1) + 1;
    }

    public static void main(String[] arguments) throws Exception {
        Random random = new Random(7);
        TreeMap<String, Integer> counts = new TreeMap<>();
        for (int i = 0; i < 20000; i++) {
            counts.merge("w" + random.nextInt(500), 1, Integer::sum);
        }
        System.out.println(counts.size() + " " + counts.firstEntry() + " " + counts.lastEntry());
        byte[] text = String.join(" ", counts.keySet()).getBytes("UTF-8");
        System.out.println(HexFormat.of().formatHex(
            MessageDigest.getInstance("SHA-256").digest(text)));
        CRC32 sum = new CRC32();
        sum.update(text);
        System.out.println(sum.getValue());
        double total = 0;
        for (int i = 1; i < 5000; i++) {
            total += Math.sin(i) * Math.exp(-i / 1000.0) + Math.pow(i, 0.3) + Math.log(i);
        }
        System.out.printf("%.9f %s%n", total, Pattern.compile("(\\w)(\\d)").matcher("a1b2")
            .replaceAll("$2$1"));
        var pool = Executors.newFixedThreadPool(4);
        List<Future<Long>> results = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            final int seed = i;
            results.add(pool.submit(() -> new Random(seed).longs(50000).reduce(0, Long::sum)));
        }
        for (Future<Long> result : results) {
            System.out.print(result.get() + " ");
        }
        pool.shutdown();
        System.out.println();
        Path file = Path.of("out.txt");
        Files.writeString(file, "one\ntwo\n");
        System.out.println(Files.readAllLines(file) + " " + Files.size(file));
        try {
            deep(50);
        } catch (IllegalStateException error) {
            System.err.println(error.getMessage());
        }
        try {
            System.out.println(((Object) null).hashCode());
        } catch (NullPointerException error) {
            System.out.println("null was caught"); // by way of SIGSEGV
        }
        Process child = new ProcessBuilder("sh", "-c", "echo from the shell; exit 3").start();
        System.out.print(new String(child.getInputStream().readAllBytes()));
        System.out.println(child.waitFor());
        System.gc();
        System.exit(4);
    }
}
