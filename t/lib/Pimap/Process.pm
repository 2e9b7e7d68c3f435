package Pimap::Process;

# Child processes of a test.  Each leads a process group of its own, so that
# its descendants end with it, and a test fails if they do not.

use strict;
use warnings;

use Exporter qw(import);
use IO::Handle;
use POSIX qw(SIGHUP SIGINT SIGPIPE SIGTERM SIG_BLOCK SIG_SETMASK WNOHANG
    sigprocmask);
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(wait_for patience);


# Seconds after which a missing result is a failure: those given, or 60, as a
# machine may be slow and run many tests at a time.  With valgrind all is
# slower.

sub patience { return ($_[0] // 60) * ($ENV{PIMAP_VALGRIND} ? 5 : 1) }


# The condition's value as soon as it is true, or false after the deadline.

sub wait_for {
    my ($condition, $deadline) = @_;

    my $end = time() + patience($deadline);

    while (1) {
        my $value = $condition->();

        return $value if $value || time() > $end;
        sleep(0.01);
    }
}


# command => [...], or code => sub of the test's own with a name;
# env => {...}, output => file, pipe => 1 (or "fh" reads it),
# errors => file (else they go where the output goes), input => 1 (type()),
# before => code that stop() calls first, with its signal

sub start {
    my ($class, %set) = @_;

    my ($read, $write, $in, $type);

    if ($set{input}) {
        pipe($in, $type) or die "pipe: $!\n";
        $type->autoflush(1);

    } else {
        open($in, '<', '/dev/null') or die "/dev/null: $!\n";
    }

    if ($set{pipe}) {
        pipe($read, $write) or die "pipe: $!\n";

    } else {
        open($write, '>>', $set{output}) or die "$set{output}: $!\n";
    }

    my $errors;

    if ($set{errors}) {
        open($errors, '>>', $set{errors}) or die "$set{errors}: $!\n";
    }

    # A child that is stopped at once must not end the test's processes, as
    # the test itself does.

    my $signals = POSIX::SigSet->new(SIGHUP, SIGINT, SIGPIPE, SIGTERM);
    my $before = POSIX::SigSet->new();

    sigprocmask(SIG_BLOCK, $signals, $before);

    my $pid = fork() // die "fork: $!\n";

    if ($pid == 0) {
        setpgrp(0, 0);
        @SIG{qw(HUP INT TERM PIPE)} = ('DEFAULT') x 4;
        sigprocmask(SIG_SETMASK, $before);

        open(STDIN, '<&', $in);
        open(STDOUT, '>&', $write);
        open(STDERR, '>&', $errors // $write);

        @ENV{keys %{ $set{env} }} = values %{ $set{env} } if $set{env};

        _run($set{code}) if $set{code};

        exec { $set{command}[0] } @{ $set{command} }
            or print STDERR "$set{command}[0]: $!\n";
        POSIX::_exit(127);
    }

    sigprocmask(SIG_SETMASK, $before);
    setpgrp($pid, $pid);        # parent and child both try

    return bless({ pid => $pid, fh => $read, type => $type,
        before => $set{before}, name => $set{name} // $set{command}[0] },
        $class);
}


# Code has the test's files open, devices' connections too: start it first.

sub _run {
    my ($code) = @_;

    eval { $code->() };
    print STDERR $@ if $@;
    POSIX::_exit($@ ? 1 : 0);
}


sub pid    { $_[0]{pid} }
sub fh     { $_[0]{fh} }
sub signal { kill($_[1], $_[0]{pid}) }


# Sends a signal to a process that may have ended.

sub type {
    my ($self, $text) = @_;

    local $SIG{PIPE} = 'IGNORE';

    return $self->{type}->syswrite($text);
}


# Closes its standard input.

sub hush { return close($_[0]{type}) }


sub running {
    my ($self) = @_;

    if (!defined $self->{status}
        && waitpid($self->{pid}, WNOHANG) == $self->{pid})
    {
        $self->{status} = $?;
    }

    return !defined $self->{status};
}


# True if it ended by itself with status 0.

sub ended_well {
    my ($self) = @_;
    return !$self->running() && $self->{status} == 0;
}


# Stops the process; returns a complaint if it had to be killed.

sub stop {
    my ($self, $signal) = @_;

    local ($?, $!);

    my $was_running = $self->running();

    if ($was_running) {
        $self->{before}->($signal // 'TERM') if $self->{before};

        # a stopped process does nothing more before the signal

        $self->signal($signal // 'TERM');
        $self->signal('CONT');
    }

    my $ok = wait_for(sub { !$self->running() && !$self->group() });

    return if $ok;

    my $left = join(' ', $self->group());

    kill('KILL', -$self->{pid});
    wait_for(sub { !$self->running() && !$self->group() }, 5);

    return "$self->{name} did not end: $left";
}


# The pids of its process group, without zombies.

sub group {
    my ($self) = @_;

    my @pids;

    for my $path (glob('/proc/[0-9]*/stat')) {
        open(my $fh, '<', $path) or next;

        my ($pid, $state, $group) =
            (<$fh> // '') =~ /^(\d+) \(.*\) (\S) \d+ (\d+)/s or next;

        push(@pids, $pid) if $group == $self->{pid} && $state !~ /[ZX]/;
    }

    return @pids;
}


1;
