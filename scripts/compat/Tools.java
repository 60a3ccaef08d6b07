import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

import org.apache.kafka.common.utils.Exit;

/**
 * Runs the mains of Kafka's tools one after another in one JVM, since starting a JVM takes longer than most of them.
 *
 * A command comes on standard input as a count and as many texts: standard input for the tool, the class, arguments.
 * The answer goes to standard output: the exit code, what the tool wrote to its standard output, and to its error output.
 * Counts, codes and lengths of texts are four bytes, big endian. The tools are as they are; only where one would end the
 * JVM, Kafka's own class for that ends the command instead, after the hooks that the tool has for that.
 */
public final class Tools {
    /** What the tool wants done where the JVM ends. */
    private static final List<Runnable> HOOKS = new CopyOnWriteArrayList<>();

    private Tools() { }

    public static void main(String[] ignored) throws Exception {
        DataInputStream in = new DataInputStream(new FileInputStream(FileDescriptor.in));
        DataOutputStream out = new DataOutputStream(new FileOutputStream(FileDescriptor.out));
        while (true) {
            String[] command;
            try {
                command = read(in);
            } catch (EOFException end) {
                Runtime.getRuntime().halt(0);
                return;
            }
            ByteArrayOutputStream stdout = new ByteArrayOutputStream();
            ByteArrayOutputStream stderr = new ByteArrayOutputStream();
            System.setIn(new ByteArrayInputStream(command[0].getBytes(StandardCharsets.UTF_8)));
            System.setOut(new PrintStream(stdout, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(stderr, true, StandardCharsets.UTF_8));
            int code = run(command);
            System.out.flush();
            System.err.flush();
            out.writeInt(code);
            write(out, stdout.toByteArray());
            write(out, stderr.toByteArray());
            out.flush();
        }
    }

    private static String[] read(DataInputStream in) throws IOException {
        String[] texts = new String[in.readInt()];
        for (int i = 0; i < texts.length; i++) {
            byte[] bytes = new byte[in.readInt()];
            in.readFully(bytes);
            texts[i] = new String(bytes, StandardCharsets.UTF_8);
        }
        return texts;
    }

    private static void write(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    /** Runs one main on a thread of its own and returns the exit code that the JVM would have had. */
    private static int run(String[] command) throws Exception {
        CompletableFuture<Integer> ended = new CompletableFuture<>();
        Exit.setExitProcedure((code, message) -> end(ended, code));
        Exit.setShutdownHookAdder((name, hook) -> HOOKS.add(hook));
        Exit.setHaltProcedure((code, message) -> end(ended, code));
        Thread tool = new Thread(() -> ended.complete(call(command)), "tool");
        tool.setDaemon(true);
        tool.start();
        int code = ended.get();
        for (Runnable hook : HOOKS) {
            hook.run();
        }
        HOOKS.clear();
        return code;
    }

    /** Ends a command: whoever calls this does not go on, as nothing does where the JVM ends. */
    private static void end(CompletableFuture<Integer> ended, int code) {
        ended.complete(code);
        while (true) {
            LockSupport.park();
        }
    }

    private static int call(String[] command) {
        String[] args = new String[command.length - 2];
        System.arraycopy(command, 2, args, 0, args.length);
        try {
            Class.forName(command[1]).getMethod("main", String[].class).invoke(null, (Object) args);
            return 0;
        } catch (InvocationTargetException e) {
            e.getCause().printStackTrace();
        } catch (ReflectiveOperationException e) {
            e.printStackTrace();
        }
        return 1;
    }
}
