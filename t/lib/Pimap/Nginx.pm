package Pimap::Nginx;

# An nginx of the test's own with the module in it.

use strict;
use warnings;

use Pimap::Process qw(patience wait_for);

my $version;


# t => the test; workers, log => level, main, http, server, locations => text;
# listen => parameters of each address; connections => of a worker;
# bare => 1: without the directive that names the test's Redis; env => {...};
# http3 => 1: with a socket of HTTP/3;
# mode => instead of PIMAP_HTTP, for tests that need a mode of their own

sub new {
    my ($class, %set) = @_;

    return bless({ workers => 1, connections => 2048, log => 'info',
        main => '', http => '', listen => '', server => '',
        locations => _locations(), %set }, $class);
}


# The locations that most tests need; a test with other accounts replaces them.

sub _locations {
    return <<'END';
        location = /events {
            pimap_account $arg_account;
            pimap_events;
        }

        location = /publish {
            pimap_publish;
        }

        location = /update {
            pimap_account $arg_account;
            pimap_update;
        }

        location = /status {
            pimap_status;
        }
END
}


# For tests of all transports, in any mode.

sub ways {
    my ($self) = @_;

    $self->{locations} .= <<'END';

        location = /held {
            pimap_account $arg_account;
            pimap_detach off;
            pimap_hibernate off;
            pimap_events;
        }

        location = /asleep {
            pimap_account $arg_account;
            pimap_hibernate on;
            pimap_events;
        }
END
}


sub conf {
    my ($self) = @_;

    my $t = $self->{t};
    my $dir = $t->dir();

    my $user = $> == 0 ? 'user root;' : '';     # may write into our directory
    my $temp = join("\n", map { "    ${_}_temp_path $dir/temp_$_;" }
        qw(client_body proxy fastcgi uwsgi scgi));
    my ($cert, $key) = $t->certificate();
    my ($http2, $on) = $self->http2();
    my $http3 = $self->{http3} ? 'listen ' . $self->quic() . ':'
        . $t->port('https') . ' quic reuseport;' : '';
    my $redis = $self->{bare} || $self->{http} =~ /^\s*pimap_redis\s/m ? ''
        : 'pimap_redis unix:' . $t->redis()->socket() . ' timeout='
            . patience(2) . 's;';

    return <<"END";
daemon off;
$user
worker_processes $self->{workers};
$self->{main}
@{[ $t->module() ? 'load_module ' . $t->module() . ';' : '' ]}
pid $dir/nginx.pid;
error_log $dir/error.log $self->{log};

events {
    worker_connections $self->{connections};
}

http {
    access_log $dir/access.log;
$temp
    ssl_certificate $cert;
    ssl_certificate_key $key;
    ssl_protocols TLSv1.2 TLSv1.3;
    $redis
    @{[ $self->{mode} // $ENV{PIMAP_HTTP} // '' ]}
    $self->{http}

    server {
        listen 127.0.0.1:@{[ $t->port('http') ]} $self->{listen};
        listen 127.0.0.1:@{[ $t->port('https') ]} ssl $http2 $self->{listen};
        listen 127.0.0.1:@{[ $t->port('h2c') ]} $http2 $self->{listen};
        $on
        $http3
        $self->{server}

$self->{locations}
    }
}
END
}


# The program: the system's, or another one.

sub binary { return $ENV{PIMAP_NGINX} // '/usr/sbin/nginx' }


# The parameter of "listen" for HTTP/2, and the directive instead of it.  The
# directive is for all ports of a server, so also for those of the test's own.

sub http2 {
    my ($self) = @_;

    my $binary = $self->binary();
    my ($minor, $patch) = ($version //= qx($binary -v 2>&1))
        =~ m{nginx/1\.(\d+)\.(\d+)} or die "$binary: $version\n";

    return $minor < 25 || $minor == 25 && $patch == 0
        || $self->{server} =~ /\blisten\b/ ? ('http2', '')
        : ('', 'http2 on;');
}


# UDP ports of 127.0.0.1 are locks, see Port.pm.

sub quic { return '127.0.0.2' }


# Whether it has HTTP/3, which the system's may lack.

sub http3 {
    my ($self) = @_;

    my $binary = $self->binary();

    return qx($binary -V 2>&1) =~ /--with-http_v3_module/;
}


sub _command {
    my ($self, @args) = @_;

    my $dir = $self->{t}->dir();

    $self->{t}->write_file("$dir/nginx.conf", $self->conf());

    return ($self->binary(), '-p', "$dir/", '-c', "$dir/nginx.conf",
        '-e', "$dir/error.log", @args);
}


# The environment for a module built with sanitizers.

sub _env {
    my ($self) = @_;

    my $dir = $self->{t}->dir();

    return if !$ENV{PIMAP_ASAN};

    return (
        LD_PRELOAD => join(' ', map { qx(gcc -print-file-name=$_) =~ s/\s//gr }
            qw(libasan.so libubsan.so)),
        ASAN_OPTIONS => "detect_leaks=0:quarantine_size_mb=4"
            . ":log_path=$dir/report.asan",
        UBSAN_OPTIONS => "print_stacktrace=1:log_path=$dir/report.ubsan"
    );
}


sub start {
    my ($self) = @_;

    my ($t, $dir) = ($self->{t}, $self->{t}->dir());
    my %env = ($self->_env(), %{ $self->{env} // {} });

    $self->{process} = $t->start(env => \%env, output => "$dir/nginx.out",
        before => sub { $self->_end_workers($_[0]) },
        command => [$t->valgrind('--trace-children=yes'),
            $self->_command()]);

    wait_for(sub { $self->workers() == $self->{workers}
            || !$self->{process}->running() })
        && $self->{process}->running()
        or die "nginx does not start: " . $t->read_file("$dir/nginx.out")
            . $t->log();

    return $self;
}


# A master kills a worker that needs more than about two seconds to end, as
# the search for lost memory does: workers end before their master sees it.

sub _end_workers {
    my ($self, $signal) = @_;

    return if !$ENV{PIMAP_VALGRIND} || $signal ne 'TERM';

    $self->{process}->signal('STOP');
    kill('TERM', $self->workers());
    wait_for(sub { !$self->workers() });

    # it sees this first, and starts no others
    $self->{process}->signal('TERM');
}


# Runs "nginx -t" on a configuration: (true if accepted, its output).

sub check {
    my ($self) = @_;

    my $command = join(' ', $self->_command('-t', '2>&1'));
    my %env = $self->_env();

    local @ENV{keys(%env)} = values(%env);

    my $output = qx($command);

    return ($? == 0, $output);
}


sub pid { $_[0]{process}->pid() }


# The workers that serve, without exiting workers.

sub workers {
    my ($self) = @_;

    return grep {
        my $title = $self->{t}->read_file("/proc/$_/cmdline");
        $title =~ /worker process/ && $title !~ /shutting down/
            || $ENV{PIMAP_VALGRIND} && $_ != $self->pid();
    } $self->{process}->group();
}


# Runs the code while the other workers are stopped, so that each of its
# connections is accepted by this worker.

sub only {
    my ($self, $pid, $code) = @_;

    my @others = grep { $_ != $pid } $self->workers();

    kill('STOP', @others);
    wait_for(sub {
        !grep { $self->{t}->read_file("/proc/$_/stat") !~ /\) T / } @others
    });

    my $result = eval { $code->() };
    my $error = $@;

    kill('CONT', @others);
    die $error if $error;

    return $result;
}


# Reloads; returns when only the new workers serve.

sub reload {
    my ($self) = @_;

    my %old = map { $_ => 1 } $self->workers();

    $self->_command();          # writes the configuration anew
    $self->{process}->signal('HUP');

    return wait_for(sub {
        my @workers = $self->workers();
        return @workers == $self->{workers} && !grep { $old{$_} } @workers;
    });
}


sub stop { $_[0]{t}->stop($_[0]{process}, 'TERM') }
sub quit { $_[0]{process}->signal('QUIT') }
sub gone { my ($self) = @_; wait_for(sub { !$self->{process}->running() }) }


# kB of memory and open files of a process, the first worker if none is named

sub rss {
    my ($self, $pid) = @_;

    $pid //= ($self->workers())[0];
    my ($kb) = $self->{t}->read_file("/proc/$pid/status")
        =~ /VmRSS:\s+(\d+)/;

    return $kb;
}


sub fds {
    my ($self, $pid) = @_;

    $pid //= ($self->workers())[0];
    return scalar(() = glob("/proc/$pid/fd/*"));
}


1;
