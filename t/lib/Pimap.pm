package Pimap;

# A test's own nginx, Redis and other processes, in a directory and on ports of
# its own.  All are stopped at the end of the file, where three more tests
# check logs and remaining processes.
#
#     my $t = Pimap->new(workers => 2);
#     $t->plan(2);
#     $t->run();
#
#     my $s = $t->park('alice');
#     ok($s->read_until(qr/: parked\n.*\n\n/), 'parked');
#     ...
#
# Environment: PIMAP_MODULE (the module's file; empty: nginx has it built in),
# PIMAP_NGINX (another nginx than the system's), PIMAP_ASAN=1 (the module was
# built with sanitizers), PIMAP_VALGRIND=1, PIMAP_KEEP=1 (keep the directory),
# PIMAP_HTTP (more directives for "http", as 'pimap_hibernate on;'),
# PIMAP_COMPRESSED=1 (devices ask for gzip, WebSockets permessage-deflate).

use strict;
use warnings;

use Carp qw(longmess);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp;
use Test::More import => [qw(diag is)];

use parent qw(Pimap::Client);

use Pimap::Nginx;
use Pimap::Port;
use Pimap::Process qw(patience);
use Pimap::Redis;

use constant IMPLICIT => 3;

my $root = abs_path(dirname(abs_path(__FILE__)) . '/../..');
my $planned;
my @objects;

# An interrupted test also stops the processes it started.
@SIG{qw(HUP INT PIPE)} = (sub { exit(1) }) x 3;

# A test that misc/limited ends says where it waits.
$SIG{TERM} = sub { diag(longmess('ended, it waited')); exit(1) };


# Arguments as for Pimap::Nginx (workers, main, http, server, locations, log),
# and redis => of another object; allow => regex of permitted log lines.

sub new {
    my ($class, %set) = @_;

    my $self = bless({ ports => {}, processes => [], complaints => [] },
        $class);

    $self->{temp} = File::Temp->newdir('pimap_XXXXXX', TMPDIR => 1,
        CLEANUP => !$ENV{PIMAP_KEEP});
    chmod(0711, $self->dir());      # servers of other users live below it

    $self->{allow} = delete $set{allow};
    $self->{redis} = delete $set{redis};
    $self->{nginx} = Pimap::Nginx->new(%set, t => $self);

    push(@objects, $self);

    return $self;
}


# Sets the number of the file's own tests; call it when all objects are made.

sub plan {
    my ($self, $tests) = @_;

    $planned = 1;
    Test::More::plan(tests => $tests + IMPLICIT * @objects);
}


sub dir    { $_[0]{temp}->dirname() }
sub root   { $root }
sub nginx  { $_[0]{nginx} }
sub port   { ($_[0]{ports}{$_[1]} //= Pimap::Port->take())->number() }
sub allow  { $_[0]{allow} = $_[1] }

sub redis {
    my ($self, %set) = @_;
    return $self->{redis} //= Pimap::Redis->new(%set, t => $self);
}


sub module {
    my $dir = $ENV{PIMAP_ASAN} ? 'build/asan'
        : $ENV{PIMAP_VALGRIND} ? 'build/valgrind' : 'build';
    return $ENV{PIMAP_MODULE} // "$root/$dir/ngx_pimap_module.so";
}


# The checker that starts a program, if there is one.  Tests may end it by a
# signal, so memory that is only possibly lost is not reported.

sub valgrind {
    my ($self, @options) = @_;

    return if !$ENV{PIMAP_VALGRIND};
    return ('valgrind', '-q', '--log-file=' . $self->dir()
        . '/report.valgrind.%p', '--leak-check=full',
        '--show-leak-kinds=definite', '--errors-for-leak-kinds=definite',
        '--keep-debuginfo=yes',
        "--suppressions=$root/t/lib/valgrind.supp", @options);
}


# The command of a program of t/driver.

sub driver {
    my ($self, $name) = @_;

    my @valgrind = $self->valgrind();

    return (@valgrind, $root . '/build/' . (@valgrind ? 'plain/' : '')
        . "driver/$name");
}


# The kB that a worker may grow by, with the checker's own memory.

sub slack {
    return $_[1] + ($ENV{PIMAP_ASAN} || $ENV{PIMAP_VALGRIND} ? 16_384 : 0);
}


# Starts Redis and nginx.

sub run {
    my ($self) = @_;

    my $redis = $self->redis();

    $redis->start() if !$redis->{process};

    # Else one of several workers may be ready while it still loads them.

    eval { $redis->load() } if $self->nginx()->{workers} > 1;
    $self->nginx()->start();

    return $self;
}


sub reload  { $_[0]->nginx()->reload() }
sub quit    { $_[0]->nginx()->quit() }
sub workers { $_[0]->nginx()->workers() }
sub log     { $_[0]->read_file($_[0]->dir() . '/error.log') }


sub start {
    my ($self, %set) = @_;

    my $process = Pimap::Process->start(%set);

    push(@{ $self->{processes} }, $process);
    return $process;
}


sub stop {
    my ($self, $process, $signal) = @_;

    push(@{ $self->{complaints} },
        $process->stop($signal // 'TERM'));

    @{ $self->{processes} } =
        grep { $_ != $process } @{ $self->{processes} };
}


# True as soon as the condition is true; false, with a message, if it stays
# false.

sub wait_for {
    my ($self, $condition, $what, $deadline) = @_;

    my $value = Pimap::Process::wait_for($condition, $deadline);

    diag("waited in vain for: " . ($what // 'a condition')) if !$value;
    return $value;
}


# Waits until this number of workers has subscribed to the account in Redis:
# an event published earlier reaches no device.

sub subscribed {
    my ($self, $account, $workers) = @_;

    return $self->wait_for(sub {
        $self->redis()->numsub($account) >= ($workers // 1)
    }, "subscription of $account");
}


sub write_file {
    my ($self, $path, $text) = @_;

    open(my $fh, '>', $path) or die "$path: $!\n";
    print $fh $text;
    close($fh) or die "$path: $!\n";

    return $path;
}


# The file's bytes; none if it does not exist.

sub read_file {
    my ($self, $path) = @_;

    open(my $fh, '<:raw', $path) or return '';
    local $/;

    return <$fh> // '';
}


# The directory's self-signed certificate and its key.

sub certificate {
    my ($self) = @_;

    my ($cert, $key) = map { $self->dir() . "/$_.pem" } qw(cert key);

    if (!-e $cert) {
        my $output = qx(openssl req -x509 -newkey ec -nodes -days 3650 \\
            -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=localhost \\
            -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \\
            -out $cert -keyout $key 2>&1);
        die $output if $? != 0;
    }

    return ($cert, $key);
}


# The end of the error log, and what other programs have said.

sub _output {
    my ($self) = @_;

    my $dir = $self->dir();

    return $self->log() =~ /(.{0,4000})\z/s, map {
        my ($name) = m{([^/]*)\z};
        $self->read_file($_) =~ /(.{1,1000})\z/s ? ("$name: $1\n") : ();
    } grep { !/\/nginx\.out\z/ } glob("$dir/*.out");
}


# The three tests at the end of each object.

sub _finish {
    my ($self) = @_;

    $self->stop($_) for reverse(@{ $self->{processes} });

    my $allow = $self->{allow} // qr/(?!)/;
    my @bad = grep { /\[(?:alert|crit|emerg)\]/ && $_ !~ $allow }
        split(/\n/, $self->log());
    # the search for leaks was ended, together with its process
    my @reports = grep { /\S/ } map { $self->read_file($_)
            =~ s/^==\d+==Unable to get registers from thread.*\n//mgr }
        glob($self->dir() . '/report.*');

    # workers have the error log as their standard error
    push(@reports, map { /^.*(?:Sanitizer|runtime error).*$/mg }
        $self->read_file($self->dir() . '/nginx.out'), $self->log());

    is(join("\n", @bad), '', 'nothing bad in the error log');
    is(join("\n", @reports), '', 'no report of a checker');
    is(join("\n", @{ $self->{complaints} }), '', 'all processes ended');
}


END {
    my $code = $?;

    local $SIG{PIPE} = 'IGNORE';

    $_->_finish() for reverse(@objects);
    diag(map { $_->_output() } @objects) if !$planned || $code;

    undef(@objects);
    $? = $code;
}


1;
