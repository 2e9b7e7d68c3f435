package Bench::Fan;

# One event to all devices of one account: the time until the last has it.
# The servers take turns.  The first event of a turn does not count, as in
# Bench::Push.

use strict;
use warnings;

use POSIX ();
use Time::HiRes qw/sleep/;

use Bench::Load;
use Bench::Report qw/median/;
use Bench::Server;

# %o as for Bench::Push, without events and rate.

sub measure {
    my ($class, %o) = @_;

    my $self = bless { %o, rows => [] }, $class;

    for my $how (qw/plain https/) {
        my @lanes = map { $self->server($_, $how) } @{$o{servers}};

        unshift @lanes, $self->send_alone()
            if $how eq 'plain' && $o{workers} == 1;

        $o{progress}->("one event to $o{devices} devices, $how");

        for (1 .. 2 * $o{rounds} + 1) {
            for my $lane (@lanes) {
                my $us = $lane->{turn}->();

                push @{$lane->{last}}, $us if defined $us;
            }
        }

        $self->finish($_) for @lanes;
        push @{$self->{rows}}, [$how, @lanes];
    }

    return $self;
}

sub finish {
    my ($self, $lane) = @_;

    if ($lane->{by}) {
        $lane->{other} = $self->other_account($lane);
    }

    $lane->{load}->stop();
    Bench::Server::stop($lane->{server});
}

# The time until the kernel alone has taken as many events.

sub send_alone {
    my ($self) = @_;

    my $server = Bench::Server::bare($self->{dir});
    my $load = Bench::Load->park($server->{plain}, $self->{devices}, '-k',
        20);

    return {
        name => 'send() alone',
        server => $server,
        load => $load,
        turn => sub {
            Bench::Server::bare_each($server);
            sleep 0.5;

            return Bench::Server::bare_each($server)->{seconds} * 1e6;
        },
    };
}

sub server {
    my ($self, $kind, $how) = @_;

    my $server = Bench::Server::nginx($kind, $self->{dir}, ping => 900,
        redis => $self->{redis}, workers => $self->{workers});
    my $board = "$self->{dir}/fan-$kind-$how";
    my $load = Bench::Load->park($server->{$how}, $self->{devices}, '-b',
        $board, '-m', $self->{devices}, '-k', 20);
    my @by = ('-b', $board, '-m', $self->{devices}, $kind eq 'pimap'
        ? ('-R', $self->{redis}{path}) : ('-u', $server->{publish}));

    my $lane = { name => $kind, server => $server, how => $how,
        load => $load, by => \@by };

    $lane->{turn} = sub {
        Bench::Load::publish(@by);
        $load->mark();

        my $run = Bench::Load::publish(@by);
        my $each = $load->stats()->{latency_us};

        push @{$lane->{each}{$_}}, $each->{$_} for qw/p50 p99/;

        return $run->{missing} ? undef : $run->{seconds} * 1e6;
    };

    return $lane;
}

# An event of another account, in the middle of that: the time until its
# device has it.

sub other_account {
    my ($self, $lane) = @_;

    my $server = $lane->{server};
    my $load = Bench::Load->park(
        $server->{$lane->{how}} =~ s/account-%a/other/r, 1, '-k', 1);
    my @to = $lane->{name} eq 'pimap'
        ? ('-R', $self->{redis}{path}, '-c', 'pimap:{other}')
        : ('-u', $server->{publish} =~ s/account-%a/other/r);

    $load->mark();

    for (1 .. 2 * $self->{rounds} + 1) {
        my $pid = fork() // die "fork: $!\n";

        if ($pid == 0) {
            $SIG{INT} = $SIG{TERM} = 'DEFAULT';
            open STDOUT, '>', '/dev/null';
            exec 'nice', '-n', $Bench::Load::nice,
                "$Bench::Server::root/build/bench/publish", @{$lane->{by}}
                or POSIX::_exit(127);
        }

        sleep 0.02;
        Bench::Load::publish(@to);
        waitpid $pid, 0;
    }

    my $stats = $load->stats();

    $load->stop();

    return $stats->{latency_us};
}

sub report {
    my ($self, $report) = @_;

    my @rows = ['server', 'device', 'p50', 'p99', 'last device',
        'another account meanwhile, p50', 'max'];

    for (@{$self->{rows}}) {
        my ($how, @lanes) = @$_;

        for my $lane (@lanes) {
            push @rows, [$lane->{name}, $how,
                map({ ms($lane->{each} && median(@{$lane->{each}{$_}})) }
                    qw/p50 p99/),
                ms(median(@{$lane->{last}})),
                map { ms($lane->{other}{$_}) } qw/p50 max/];
        }
    }

    $report->table('One event to all devices of an account', @rows);
}

sub ms { return defined $_[0] ? Bench::Report::ms($_[0]) : '-' }

1;
