package Bench::Server;

# Starts the servers of a run in a directory of their own, in the foreground
# as our children, and stops them: nginx with a module, Redis, Dovecot.

use strict;
use warnings;

use Cwd qw/abs_path/;
use File::Basename qw/dirname/;
use File::Temp qw/tempdir/;
use IO::Handle;
use IO::Socket::INET;
use IO::Socket::UNIX;
use IPC::Open2;
use JSON::PP;
use POSIX qw/WNOHANG/;
use Time::HiRes qw/sleep time/;

use Bench::Gauge;

our $root = abs_path(dirname(__FILE__) . '/../..');
our $module = "$root/build/ngx_pimap_module.so";

my $nchan = '/usr/lib/nginx/modules/ngx_nchan_module.so';
my %running;
my $port = 20000 + $$ % 50 * 100;

# Finds free ports in a row, below the ports that clients get.

sub ports {
    my ($n) = @_;

    PORT: for ($port .. 32000) {
        my $first = $port;

        for my $p ($first .. $first + $n - 1) {
            $port = $p + 1;
            IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $p,
                Listen => 1, ReuseAddr => 1) or next PORT;
        }

        return $first;
    }

    die "no free ports\n";
}

# Workers that are not root must get at sockets in it.

sub directory {
    my $dir = tempdir('pimap-bench-XXXXXX', TMPDIR => 1, CLEANUP => 1);

    chmod 0755, $dir;

    return $dir;
}

sub certificate {
    my ($dir) = @_;

    command("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
        . " -nodes -days 365 -subj /CN=localhost"
        . " -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
        . " -keyout $dir/key.pem"
        . " -out $dir/cert.pem");
}

sub command {
    my ($command) = @_;

    my $out = `$command 2>&1`;
    die "failed: $command\n$out" if $?;

    return $out;
}

sub open_files {
    my $limit = `bash -c 'ulimit -Hn'`;

    chomp $limit;

    return $limit eq 'unlimited' ? 1048576 : $limit;
}

# As few workers as the limit of open files allows for so many devices; the
# kernel does not spread connections evenly.

sub workers {
    my ($devices) = @_;

    return int($devices * 1.05 / (open_files() - 1000)) + 1;
}

# A server is { pid, dir, ... }.  It is up when "ready" says so.

sub start {
    my ($name, $dir, $ready, @command) = @_;

    my $pid = fork() // die "fork: $!\n";

    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$dir/$name.out";
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }

    $running{$pid} = 1;

    my $deadline = time() + 20;

    until ($ready->()) {
        if (waitpid($pid, WNOHANG) == $pid || time() > $deadline) {
            my $log = `tail -n 20 $dir/$name.out $dir/*.log 2>/dev/null`;
            die "$name does not start:\n$log";
        }

        sleep 0.02;
    }

    return { pid => $pid, dir => $dir, name => $name };
}

sub listening {
    my ($where) = @_;

    return $where =~ m{^/} ? IO::Socket::UNIX->new(Peer => $where)
        : IO::Socket::INET->new(PeerAddr => "127.0.0.1:$where");
}

sub stop {
    my ($server) = @_;

    my $pid = $server->{pid};

    return unless delete $running{$pid};

    kill 'TERM', $pid;

    my $deadline = time() + 120;

    until (waitpid($pid, WNOHANG)) {
        kill 'KILL', Bench::Gauge::tree($pid) if time() > $deadline;
        sleep 0.02;
    }
}

END {
    local $?;
    stop({ pid => $_ }) for keys %running;
}

# No save, and slow subscribers stay: undelivered events are a result.

sub redis {
    my ($dir) = @_;

    my $path = "$dir/redis.sock";
    my $port = ports(1);

    my $server = start('redis', $dir, sub { listening($path) },
        'redis-server', '--port', $port, '--unixsocket', $path,
        '--unixsocketperm', 777, '--dir', $dir, '--save', '',
        '--appendonly', 'no', '--client-output-buffer-limit',
        'pubsub 0 0 0', '--loglevel', 'warning');

    $server->{path} = $path;
    $server->{port} = $port;

    command("redis-cli -s $path -x FUNCTION LOAD < $root/$_")
        for qw(redis/pimap.lua bench/load/least.lua);

    return $server;
}

sub redis_memory { return redis_info($_[0], 'memory', 'used_memory') }
sub redis_channels { return redis_info($_[0], 'stats', 'pubsub_channels') }

sub redis_info {
    my ($server, $section, $name) = @_;

    return command("redis-cli -s $server->{path} INFO $section")
        =~ /^$name:(\d+)/m ? $1 : die "no $name\n";
}

# Ours or nchan, the same but for the module's own lines.  The ports are a
# plain one, TLS, TLS with HTTP/2; "tls" is a number of TLS ports instead.

sub nginx {
    my ($kind, $dir, %o) = @_;

    my $files = open_files();
    my $slots = $files - 1000;
    my $tls = $o{tls} // 0;
    my $plain = ports($tls ? $tls + 1 : 3);
    my $workers = $o{workers} // 1;
    my $log = $o{log} // 'notice';
    my ($load, $http, $locations) = $kind eq 'pimap'
        ? pimap_conf(%o) : nchan_conf(%o, kind => $kind);
    my $user = $> == 0 ? 'user root;' : '';
    my $listen = $tls
        ? join('', map "        listen 127.0.0.1:$_ ssl reuseport"
            . " backlog=65535;\n", $plain + 1 .. $plain + $tls)
        : "        listen 127.0.0.1:" . ($plain + 1) . " ssl reuseport;\n"
            . "        listen 127.0.0.1:" . ($plain + 2) . " ssl http2;\n";

    my $name = "$kind-$plain";

    mkdir "$dir/$name" or die "$dir/$name: $!\n";

    open my $fh, '>', "$dir/$name.conf" or die "$dir/$name.conf: $!\n";
    print $fh <<"END";
load_module $load;
$user
daemon off;
pid $dir/$name.pid;
error_log $dir/$name.log $log;
worker_processes $workers;
worker_rlimit_nofile $files;
events {
    worker_connections $slots;
}
http {
    access_log off;
    client_body_temp_path $dir/$name/body;
    proxy_temp_path $dir/$name/proxy;
    fastcgi_temp_path $dir/$name/fastcgi;
    uwsgi_temp_path $dir/$name/uwsgi;
    scgi_temp_path $dir/$name/scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    ssl_certificate $dir/cert.pem;
    ssl_certificate_key $dir/key.pem;
    ssl_protocols TLSv1.3;
    $http
    server {
        listen 127.0.0.1:$plain reuseport;
$listen
$locations
    }
}
END
    close $fh or die "$dir/$name.conf: $!\n";

    my $server = start($name, $dir,
        sub { -s "$dir/$name.pid" && listening($plain) },
        'nginx', '-p', "$dir/", '-c', "$dir/$name.conf",
        '-e', "$dir/$name.log");

    $server->{kind} = $kind;
    $server->{log} = "$dir/$name.log";
    $server->{plain} = "http://127.0.0.1:$plain/events?account=account-%a"
        . "&device=d%d";

    for (['https', 1], ['h2', 2]) {
        $server->{$_->[0]} = $server->{plain}
            =~ s/^http:..127.0.0.1:\d+/"https:\/\/127.0.0.1:"
            . ($plain + $_->[1])/er;
    }

    $server->{publish} = "http://127.0.0.1:$plain/publish?"
        . "account=account-%a";
    $server->{batch} = "http://127.0.0.1:$plain/batch";

    return $server;
}

# Whether the module at hand knows a directive.

sub knows {
    my ($directive) = @_;

    open my $fh, '<:raw', $module or die "$module: $!: build it first\n";
    local $/;

    return index(<$fh>, "$directive\0") >= 0;
}

sub pimap_conf {
    my (%o) = @_;

    my $batch = knows('batch')
        ? 'location = /batch { pimap_publish batch; }' : '';
    my $hibernate = knows('pimap_hibernate') ? 'pimap_hibernate on;' : '';
    my $ping = $o{ping} // 60;
    my $check = defined $o{check} ? "pimap_gap_check $o{check};" : '';
    my $address = $o{redis}{address} // "unix:$o{redis}{path}";
    my $patience = $o{patience}
        ? " timeout=$o{patience} connect_timeout=$o{patience}" : '';

    my $prefix = $o{prefix} ? " prefix=$o{prefix}" : '';

    return ($module,
        "pimap_redis $address$patience$prefix;\n    $hibernate $check",
        <<"END");
        location = /events {
            pimap_account \$arg_account;
            pimap_max_devices_per_account 1000000;
            pimap_ping $ping;
            pimap_events;
        }
        location = /publish {
            pimap_publish;
        }
        $batch
@{[$o{locations} // '']}
END
}

# Messages are kept as briefly as nchan allows, so that its memory is that of
# its subscribers.  "nchan-redis" is with its Redis, which is ours.

sub nchan_conf {
    my (%o) = @_;

    my $ping = $o{ping} // 60;
    my $http = 'nchan_shared_memory_size 512m;';
    my $redis = '';

    if ($o{kind} eq 'nchan-redis') {
        $http .= " upstream redis { nchan_redis_server"
            . " redis://127.0.0.1:$o{redis}{port}; }";
        $redis = 'nchan_redis_pass redis;';
    }

    return ($nchan, $http, <<"END");
        location = /events {
            nchan_subscriber eventsource websocket;
            nchan_subscriber_first_message newest;
            nchan_eventsource_ping_interval $ping;
            nchan_channel_id \$arg_account;
            $redis
        }
        location = /publish {
            nchan_publisher;
            nchan_channel_id \$arg_account;
            nchan_message_buffer_length 1;
            nchan_message_timeout 1s;
            $redis
        }
END
}

# Does nothing but send(): no server is faster.

sub bare {
    my ($dir) = @_;

    my $port = ports(1);
    my $pid = open2(my $out, my $in, "$root/build/bench/bare", $port);

    $in->autoflush(1);
    $running{$pid} = 1;

    sleep 0.02 until listening($port);

    return { pid => $pid, kind => 'send()', in => $in, out => $out,
        plain => "http://127.0.0.1:$port/events?account=account-%a&d=%d" };
}

# With a board at most 1,000 events are on their way.

sub bare_send {
    my ($server, $events, $board) = @_;

    return bare_ask($server, $board ? "$events 1000 $board" : $events);
}

# One event to each device, in their order.

sub bare_each { return bare_ask($_[0], 'each') }

sub bare_ask {
    my ($server, $command) = @_;

    print { $server->{in} } "$command\n";

    return decode_json(readline($server->{out}) // die "bare is gone\n");
}

# All processes as one ordinary user, a process a client, default settings.

sub dovecot {
    my ($dir) = @_;

    my $imap = ports(1);
    my $user = $> == 0 ? 'nobody' : getpwuid($>);
    my $group = getgrgid((getpwnam($user))[3]);

    mkdir "$dir/dovecot" or die "$dir/dovecot: $!\n";
    chown((getpwnam($user))[2, 3], "$dir/dovecot") if $> == 0;

    open my $fh, '>', "$dir/dovecot.conf" or die "$dir/dovecot.conf: $!\n";
    print $fh <<"END";
base_dir = $dir/dovecot/run
state_dir = $dir/dovecot/state
log_path = $dir/dovecot/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = $user
default_internal_group = $group
default_login_user = $user
first_valid_uid = 1
first_valid_gid = 1
service anvil {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $imap
  }
  inet_listener imaps {
    port = 0
  }
}
service imap {
  process_limit = 4096
}
service stats {
  chroot =
}
ssl = no
disable_plaintext_auth = no
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=$user gid=$group home=$dir/dovecot/mail/%u allow_all_users=yes
}
mail_location = maildir:~/mail
protocol imap {
  mail_max_userip_connections = 5000
  imap_idle_notify_interval = 60 secs
}
END
    close $fh or die "$dir/dovecot.conf: $!\n";

    my @as = $> == 0 ? ('setpriv', "--reuid=$user", "--regid=$group",
        '--clear-groups') : ();

    my $server = start('dovecot', $dir, sub { listening($imap) }, @as,
        'dovecot', '-F', '-c', "$dir/dovecot.conf");

    $server->{imap} = $imap;

    return $server;
}

1;
