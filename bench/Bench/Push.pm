package Bench::Push;

# Publishing to random devices, each an account of its own.  All servers are
# up, and take turns: what else the machine does in a round, it does to all.

use strict;
use warnings;

use Bench::Gauge;
use Bench::Load;
use Bench::Report qw/median/;
use Bench::Server;

use constant { SECONDS => 2, WARM => 5000 };

# %o: devices, events in the first turn, rate, rounds, dir, workers; redis, if
# ours takes part; servers, of "pimap" and "nchan"; progress, a function.

sub measure {
    my ($class, %o) = @_;

    my $self = bless { %o, lanes => [] }, $class;

    $self->send_alone() if $o{workers} == 1;
    $self->redis_alone() if $o{redis};

    $self->server($_, 'plain') for @{$o{servers}},
        $o{redis} && grep({ $_ eq 'nchan' } @{$o{servers}}) ? 'nchan-redis'
            : ();
    $self->server($_, 'https') for @{$o{servers}};

    for my $round (1 .. $o{rounds}) {
        for my $lane (@{$self->{lanes}}) {
            $o{progress}->("round $round: $lane->{name}, $lane->{how}");

            my %run = $lane->{turn}->($lane->{events} // $o{events}, $round);

            $lane->{events} = int($run{throughput} * SECONDS) || $o{events};
            push @{$lane->{runs}}, \%run;
        }
    }

    for (@{delete $self->{parked}}) {
        $_->[1]->stop();
        Bench::Server::stop($_->[0]);
    }

    return $self;
}

sub lane {
    my ($self, $name, $how, $turn) = @_;

    push @{$self->{lanes}}, { name => $name, how => $how, turn => $turn };
}

sub park {
    my ($self, $server, $url, @options) = @_;

    my $load = Bench::Load->park($url, $self->{devices}, @options, '-k', 20);

    push @{$self->{parked}}, [$server, $load];

    return $load;
}

# What the kernel alone takes, with the same clients on the same machine.

sub send_alone {
    my ($self) = @_;

    my $server = Bench::Server::bare($self->{dir});
    my $board = "$self->{dir}/board-send";
    my $load = $self->park($server, $server->{plain}, '-b', $board);

    $self->lane('send() alone', 'plain', sub {
        my ($events) = @_;

        Bench::Server::bare_send($server, WARM, $board);
        $load->mark();

        my $before = Bench::Gauge::busy();
        my $run = Bench::Server::bare_send($server, $events, $board);

        return (
            throughput => $run->{per_second},
            nginx => $run->{cpu_ns},
            machine => (Bench::Gauge::busy() - $before) / $events,
            missing => $events - $load->stats()->{events},
        );
    });
}

# What Redis takes for an event to which nobody is subscribed.

sub redis_alone {
    my ($self) = @_;

    my @ways = (['XADD', '-x'], ['least FCALL', '-F', 'bench_least'],
        ['PUBLISH'], ['FCALL', '-f']);

    for (@ways) {
        my ($name, @way) = @$_;

        $self->alone("Redis alone, $name", [$self->{redis}], 'redis', '-R',
            $self->{redis}{path}, @way, '-c', 'pimap:{alone-%a}'
                . ($name eq 'XADD' ? ':stream' : ''));
    }
}

# Publishing that reaches no device, and what it takes of a server of "used".

sub alone {
    my ($self, $name, $servers, $which, @options) = @_;

    push @options, '-a', $self->{devices};

    $self->lane($name, 'plain', sub {
        my ($events, $round) = @_;

        Bench::Load::publish(@options, '-n', WARM);

        my %before = used(@$servers);
        my $run = Bench::Load::publish(@options, '-n', $events, '-s', $round);
        my %after = used(@$servers);

        return (
            throughput => $run->{per_second},
            refused => $run->{failed},
            map { $_ => ($after{$_} - $before{$_}) / $events }
                $which, 'machine'
        );
    });
}

# The two of ours have channels of their own at Redis, or each would deliver
# the events of the other.  Heartbeats of all devices at once would hide the
# latencies of whoever has his turn.

sub server {
    my ($self, $kind, $how) = @_;

    my $server = Bench::Server::nginx($kind, $self->{dir}, ping => 900,
        redis => $self->{redis}, workers => $self->{workers},
        prefix => $how,
        locations => '        location = /none { return 200 "nothing"; }');
    my $board = "$self->{dir}/board-$kind-$how";
    my @to = ('-b', $board, '-a', $self->{devices}, '-c',
        "$how:{account-%a}");

    $self->{progress}->("$kind: parking $self->{devices} devices, $how");

    my $load = $self->park($server, $server->{$how}, '-b', $board);

    $self->alone('nginx alone, POST, 64 connections', [undef, $server],
        'nginx', '-u', $server->{publish} =~ s{/publish}{/none}r, '-k', 64,
        '-d', 8) if $kind eq 'pimap' && $how eq 'plain';

    for ($self->ways($kind, $server)) {
        my ($by, @way) = @$_;

        $self->lane("$kind, $by", $how, sub {
            my ($events, $round) = @_;

            return $self->turn($server, $load, $events, @way, @to, '-s',
                $round);
        });
    }
}

# How events get to a server: names, and the options of publish.

sub ways {
    my ($self, $kind, $server) = @_;

    my @post = map { ['POST, ' . ($_ == 1 ? '1 connection'
        : "$_ connections"), '-u', $server->{publish}, '-k', $_, '-d',
        512 / $_] } 1, 8, 64;

    return @post if $kind ne 'pimap';

    return (['PUBLISH', '-R', $self->{redis}{path}],
        ['FCALL', '-R', $self->{redis}{path}, '-f'],
        ['POST of lines', '-u', $server->{batch}, '-B', 100, '-k', 4],
        @post);
}

# Three seconds at a fixed rate, and then as fast as it goes.  Before it, what
# the machine has put away since the last turn comes back.

sub turn {
    my ($self, $server, $load, $events, @options) = @_;

    my $redis = $server->{kind} eq 'nchan' ? undef : $self->{redis};
    my $warm = Bench::Load::publish(@options, '-n', WARM, '-w', 1000);

    $load->mark();

    my $slow = Bench::Load::publish(@options, '-n', $self->{rate} * 3, '-r',
        $self->{rate});
    my $rate = $load->stats();

    $load->mark();

    my %before = used($redis, $server);
    my $fast = Bench::Load::publish(@options, '-n', $events, '-w', 1000);
    my $full = $load->stats();
    my %after = used($redis, $server);

    my %run = (
        throughput => $fast->{per_second},
        refused => 0,
        missing => $rate->{wrong} + $full->{wrong},
        rate => $rate->{latency_us},
        full => $full->{latency_us},
        map { $_ => ($after{$_} - $before{$_}) / ($full->{events} || 1) }
            keys %after
    );

    for ($warm, $slow, $fast) {
        $run{refused} += $_->{failed};
        $run{missing} += $_->{missing} - $_->{failed};
    }

    return %run;
}

# ns of CPU

sub used {
    my ($redis, $server) = @_;

    return (
        nginx => $server ? Bench::Gauge::cpu($server->{pid}) : 0,
        redis => $redis ? Bench::Gauge::cpu($redis->{pid}) : 0,
        machine => Bench::Gauge::busy(),
    );
}

# The value of each round, of a field or of a field in a field; and none if
# the lane did not run.

sub values_of {
    my ($self, $name, $how, @path) = @_;

    my ($lane) = grep { $_->{name} eq $name && $_->{how} eq $how }
        @{$self->{lanes}};

    return map { of($_, @path) } @{$lane ? $lane->{runs} : []};
}

sub of {
    my ($value, @path) = @_;

    $value = $value->{$_} // return for @path;

    return $value;
}

sub report {
    my ($self, $report) = @_;

    my $rate = Bench::Report::number($self->{rate});
    my @rows = ['server', 'device', "p50 at $rate/s", 'p99', 'max',
        'saturation', 'p50', 'p99', 'max', 'CPU an event: nginx', 'Redis',
        'all', 'refused', 'lost'];

    for my $lane (@{$self->{lanes}}) {
        my @runs = @{$lane->{runs}};
        my $median = sub {
            my ($format, @path) = @_;
            my @values = map { of($_, @path) } @runs;

            return @values ? $format->(median(@values)) : '-';
        };
        my $sum = sub {
            my ($field) = @_;
            my $n = 0;

            $n += $_->{$field} // 0 for @runs;

            return $n;
        };

        push @rows, [$lane->{name}, $lane->{how},
            map({ $median->(\&Bench::Report::ms, 'rate', $_) }
                qw/p50 p99 max/),
            $median->(sub { Bench::Report::number($_[0]) . '/s' },
                'throughput'),
            map({ $median->(\&Bench::Report::ms, 'full', $_) }
                qw/p50 p99 max/),
            map({ $median->(sub { sprintf '%.1f us', $_[0] / 1000 }, $_) }
                qw/nginx redis machine/),
            $sum->('refused'), $sum->('missing')];
    }

    $report->table('Publish to device', @rows);
    $self->report_shares($report);
}

# One lane as a share of another in the same round.

sub report_shares {
    my ($self, $report) = @_;

    my @throughput = ('throughput');
    my @p99 = ('rate', 'p99');

    my @shares = (
        ['PUBLISH', 'send() alone', @throughput],
        ['PUBLISH', 'nchan, POST, 8 connections', @throughput],
        ['FCALL', 'send() alone', @throughput],
        ['FCALL', 'nchan-redis, POST, 1 connection', @throughput],
        ['FCALL', 'nchan-redis, POST, 64 connections', @throughput],
        ['POST, 64 connections', 'nchan-redis, POST, 64 connections',
            @throughput],
        ['POST of lines', 'pimap, FCALL', @throughput],
        ['PUBLISH', 'nchan, POST, 8 connections', @p99],
        ['FCALL', 'nchan, POST, 8 connections', @p99],
    );

    my @rows = (['of pimap', 'beside', 'share', 'least', 'most'],
        map({ share_row([@$_[0, 1]], $_->[-1],
            $self->shares("pimap, $_->[0]", 'plain', $_->[1], 'plain',
                @$_[2 .. $#$_])) } @shares),
        map { share_row(["$_, https", "pimap, $_, plain"], 'throughput',
            $self->shares("pimap, $_", 'https', "pimap, $_", 'plain',
                @throughput)) } qw/PUBLISH FCALL/);

    $report->table('Shares, the median of the rounds', @rows) if @rows > 1;
    $self->report_floor($report);
}

# What a server with a log has to do at least: without a function in Redis, in
# which XADD and PUBLISH are not one step; with one; and by HTTP.

sub report_floor {
    my ($self, $report) = @_;

    my $us = sub {
        my ($lane, $field) = @_;

        return median($self->values_of($lane, 'plain', $field)) / 1000;
    };

    my $send = $us->('send() alone', 'machine') or return;
    my $xadd = $us->('Redis alone, XADD', 'machine') or return;
    my $post = $us->('nginx alone, POST, 64 connections', 'machine');
    my @least = map { $us->('Redis alone, least FCALL', $_) }
        qw/machine redis/;
    my @floors = (['XADD and its publisher', $xadd],
        ['the least function and its publisher', $least[0]],
        $post ? ['the least function, and nginx that answers a POST with'
            . ' one word, and its client', $least[1] + $post] : ());

    $report->say(sprintf('An event takes at least what send() alone takes,'
        . ' %.1f us of all CPUs. With a log other work comes to that. So %d'
        . ' CPUs have at most:', $send, Bench::Gauge::cpus()));

    $report->say(join "\n", map { '- ' . $self->floor($send, @$_) } @floors);
}

# The rate that all CPUs together leave room for, beside those of others.

sub floor {
    my ($self, $send, $name, $us) = @_;

    my $most = Bench::Gauge::cpus() * 1e6 / ($send + $us);
    my @others = ('send() alone', 'nchan-redis, POST, 64 connections');

    return join '', sprintf('%s/s with %s (%.1f us)',
        Bench::Report::number($most), $name, $us),
        map {
            my $rate = median($self->values_of($_, 'plain', 'throughput'));

            $rate ? sprintf(', %.2f of %s', $most / $rate, $_) : ();
        } @others;
}

sub shares {
    my ($self, $one, $how, $other, $other_how, @path) = @_;

    my @one = $self->values_of($one, $how, @path);
    my @other = $self->values_of($other, $other_how, @path);

    return map { $one[$_] / $other[$_] }
        grep { $other[$_] } 0 .. ($#one < $#other ? $#one : $#other);
}

sub share_row {
    my ($names, $what, @shares) = @_;

    my @sorted = sort { $a <=> $b } @shares or return;

    return [$what eq 'p99' ? "$names->[0], p99" : $names->[0], $names->[1],
        map { sprintf '%.2f', $_ } median(@sorted), @sorted[0, -1]];
}

1;
