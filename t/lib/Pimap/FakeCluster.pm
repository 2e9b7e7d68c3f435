package Pimap::FakeCluster;

# False nodes of a Redis Cluster, in one process.  They keep no data, but the
# channels of each connection.  The mode has their slots, and answers to some
# commands in place of their own.
#
#     my $fake = Pimap::FakeCluster->new(t => $t, nodes => 2);
#
#     $fake->set(slots => { 1 => [[0, 8191]], 2 => [[8192, 16383]] });
#     $fake->start();
#     $fake->set(rules => [[2, 'SSUBSCRIBE', "-CLUSTERDOWN no\r\n", 1]]);
#     $fake->push(2, "*3\r\n...");

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Time::HiRes qw(time);

use parent qw(Pimap::Fake Pimap::FakeNode Pimap::RedisSlots);

my $json = JSON::PP->new()->latin1();


# nodes => how many

sub new {
    my ($class, %set) = @_;

    return $class->SUPER::new(name => 'fake', %set, mode => '{}',
        now => { slots => {}, rules => [], pushes => [] });
}


sub number  { $_[0]{t}->port("$_[0]{name}$_[1]") }
sub channel { "pimap:{$_[1]}" }

sub address {
    my ($self, @nodes) = @_;

    return 'cluster://' . join(',', map { '127.0.0.1:' . $self->number($_) }
        @nodes ? @nodes : 1 .. $self->{nodes});
}


# slots => { node => [[first, last], ...] }, rules => [[node or 0 for all, a
# regex of the command's begin, the answer, how often or undef]]: "" is
# silence, "close" ends the connection, "1.5 s: " and an answer comes so much
# later.  What is not named stays.

sub set {
    my ($self, %set) = @_;

    @{ $self->{now} }{keys(%set)} = values(%set);
    $self->{now}{rules_of} = ++$self->{sets} if $set{rules};
    $self->mode($json->encode($self->{now}));
}


# Bytes for each connection of the node that subscribes; undef closes it.

sub push {
    my ($self, $node, $bytes) = @_;

    CORE::push(@{ $self->{now}{pushes} }, [$node, $bytes]);
    $self->set();
}


sub start {
    my ($self) = @_;

    $self->set();

    my @servers = map { $self->_listen($_) } 1 .. $self->{nodes};

    $self->{process} = $self->{t}->start(name => 'fake cluster',
        output => $self->{t}->dir() . "/$self->{name}.out",
        code => sub { $self->serve(@servers) });

    CORE::close($_) for @servers;
    return $self;
}


sub _listen {
    my ($self, $n) = @_;

    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64,
        LocalPort => $self->number($n), ReuseAddr => 1)
        // die "$self->{name}$n: $!\n";
}


sub serve {
    my ($self, @servers) = @_;

    local $SIG{PIPE} = 'IGNORE';

    my %node = map { $servers[$_] => $_ + 1 } 0 .. $#servers;

    $self->{select} = IO::Select->new(@servers);
    ($self->{version}) = $self->{t}->read_file($self->{t}->root()
        . '/redis/pimap.lua') =~ /^local VERSION = (\d+)/m;

    while (1) {
        my @ready = $self->{select}->can_read(0.02);

        $self->_learn();
        $self->_late();

        for my $fh (@ready) {
            if ($node{$fh}) {
                my $client = $fh->accept() // next;

                $self->{select}->add($client);
                $self->{clients}{$client} = { fh => $client, buffer => '',
                    node => $node{$fh}, channels => {} };
                $self->note("$node{$fh} accept");

            } elsif (my $client = $self->{clients}{$fh}) {
                $self->_read($client);
            }
        }
    }
}


sub _learn {
    my ($self) = @_;

    my $text = $self->mode();

    return if $text eq ($self->{text} // '');
    $self->{text} = $text;

    my $now = $json->decode($text);

    $self->{used} = [] if ($self->{now}{rules_of} // 0)
        != ($now->{rules_of} // 0);
    $self->{now} = $now;

    my @pushes = @{ $now->{pushes} };

    for my $push (@pushes[($self->{pushed} // 0) .. $#pushes]) {
        $self->{pushed}++;

        for my $client (grep { $_->{node} == $push->[0]
            && %{ $_->{channels} } } values(%{ $self->{clients} }))
        {
            defined $push->[1] ? syswrite($client->{fh}, $push->[1])
                : $self->_close($client);
        }
    }
}


sub _read {
    my ($self, $client) = @_;

    if (!sysread($client->{fh}, $client->{buffer}, 65536,
        length($client->{buffer})))
    {
        $self->_close($client);
        return;
    }

    while ($client->{buffer} =~ /\A\*(\d+)\r\n/) {
        my ($n, $at, @words) = ($1, $+[0]);

        while (@words < $n) {
            pos($client->{buffer}) = $at;
            last if $client->{buffer} !~ /\G\$(\d+)\r\n/g;
            $at = pos($client->{buffer}) + $1 + 2;
            last if $at > length($client->{buffer});
            CORE::push(@words, substr($client->{buffer}, $at - $1 - 2, $1));
        }

        return if @words < $n;

        substr($client->{buffer}, 0, $at, '');
        $self->_command($client, @words);
        return if !$self->{clients}{ $client->{fh} };
    }
}


sub _close {
    my ($self, $client) = @_;

    $self->{select}->remove($client->{fh});
    delete $self->{clients}{ $client->{fh} };
    CORE::close($client->{fh});
}


sub _command {
    my ($self, $client, @words) = @_;

    my $node = $client->{node};
    my $text = "@words";

    $self->note("$node " . substr($text, 0, 60) =~ s/\s/ /gr);

    my $answer = $self->_rule($node, $text)
        // $self->_answer($client, $text, @words);

    return $self->_close($client) if $answer eq 'close';

    if ($answer =~ s/\A([\d.]+) s: //) {
        CORE::push(@{ $self->{later} }, [time() + $1, $client, $answer]);
        return;
    }

    syswrite($client->{fh}, $answer) if length($answer);
}


sub _late {
    my ($self) = @_;

    my $later = $self->{later} //= [];

    while (@$later && $later->[0][0] <= time()) {
        my (undef, $client, $answer) = @{ shift(@$later) };

        syswrite($client->{fh}, $answer) if $self->{clients}{ $client->{fh} };
    }
}


sub _rule {
    my ($self, $node, $text) = @_;

    my @rules = @{ $self->{now}{rules} };

    for my $n (0 .. $#rules) {
        my ($of, $begin, $answer, $times) = @{ $rules[$n] };

        next if ($of && $of != $node) || $text !~ /^$begin/
            || defined $times && ($self->{used}[$n] // 0) >= $times;

        $self->{used}[$n]++;
        $self->note("$node rule");

        return $answer;
    }

    return;
}


1;
