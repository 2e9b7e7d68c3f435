package Pimap::Torture::ClusterPublisher;

# A publisher that calls the functions of a cluster, and follows redirections.
# The file "nodes" has the sockets: "PORT PATH".

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use Pimap::RedisSlots;
use Pimap::Resp;

use parent qw(Pimap::Torture::Publisher);

use constant {
    ANSWER => 5,            # seconds for an answer
    AGAIN => 10,            # for an event that is refused for the moment
    PAUSE => 0.02,
    KEEP => 100_000,        # events in a log: none is trimmed
};


# Sends all commands, then reads their replies.  A redirected event is sent on
# before the next reply, so that the order of an account stays.

sub _fcall {
    my ($self, $n) = @_;

    my @events = map { [$self->_next()] } 1 .. $n;

    $_->[3] = $self->_send(@$_) for @events;

    for my $event (@events) {
        my $id = $self->_reply($event->[3]);

        $id = $self->_again($event, $id) if $id && $id =~ /^[A-Z]/;
        $self->_note(@$event[0, 1], $id);
    }
}


sub _slot {
    my ($self, $account) = @_;
    return $self->{slot}{$account}
        //= Pimap::RedisSlots->slot_of_key("{$account}");
}


# Returns what is to be answered, or nothing if the event was not sent.

sub _send {
    my ($self, $account, $uid, $json, undef, $port) = @_;

    my $link = $self->_link($port // $self->{owner}[$self->_slot($account)])
        // return;

    _ask($link, 'ASKING') if defined $port && $self->{asking};

    return _ask($link, 'FCALL', 'pimap_publish', 1, "pimap:{$account}", $json,
        KEEP);
}


sub _ask {
    my ($link, @command) = @_;

    my $asked = { link => $link };

    eval { $link->{resp}->send(@command); 1 } or return;
    push(@{ $link->{asked} }, $asked);

    return $asked;
}


# The connection to the port, or to any node.

sub _link {
    my ($self, $port) = @_;

    open(my $fh, '<', "$self->{dir}/nodes") or die "nodes: $!\n";

    my %paths = map { split() } <$fh>;
    my @ports = defined $port && $paths{$port} ? $port
        : sort { rand() <=> 0.5 } keys(%paths);

    for my $one (@ports) {
        my $link = $self->{links}{$one};

        return $link if $link && !$link->{lost};

        my $resp = Pimap::Resp->connect($paths{$one}) // next;

        return $self->{links}{$one} = { resp => $resp };
    }

    return;
}


# The id, or the words of an error.  Without an answer the connection is dead.

sub _reply {
    my ($self, $asked) = @_;

    my $link = ($asked // return)->{link};

    while (!exists $asked->{reply} && !$link->{lost}) {
        my $reply = eval { $link->{resp}->reply(ANSWER) };

        $reply //= $1 if $@ && $@ =~ /^redis: ([A-Z]+ .*)/;
        $link->{lost} = 1 if !defined $reply;
        (shift(@{ $link->{asked} }))->{reply} = $reply;
    }

    return $asked->{reply};
}


# Goes on until the event has been added, or nothing is known of it.

sub _again {
    my ($self, $event, $words) = @_;

    my $end = time() + AGAIN;
    my $slot = $self->_slot($event->[0]);

    while (defined $words && $words =~ /^[A-Z]/ && time() < $end) {
        my ($how, $port) = $words =~ /^(MOVED|ASK) \d+ .*:(\d+)$/;

        return if !$how && $words
            !~ /^(?:TRYAGAIN|CLUSTERDOWN|LOADING|MASTERDOWN|READONLY) /;

        $self->{asking} = ($how // '') eq 'ASK';
        $self->{owner}[$slot] = $port if ($how // '') eq 'MOVED';
        sleep(PAUSE) if !$how;

        my $asked = $self->_send(@$event[0 .. 2], undef, $port);

        if (!$asked) {                  # the owner has died: ask another one
            $self->{owner}[$slot] = undef;
            sleep(PAUSE);
            next;
        }

        $words = $self->_reply($asked);
    }

    return $words && $words =~ /^\d/ ? $words : undef;
}


1;
