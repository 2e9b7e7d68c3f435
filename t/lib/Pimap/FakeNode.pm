package Pimap::FakeNode;

# What a false node of a Redis Cluster answers, see Pimap::FakeCluster.

use strict;
use warnings;


sub bulk { return '$' . length($_[1]) . "\r\n$_[1]\r\n" }
sub list { my ($self, @e) = @_; return '*' . @e . "\r\n" . join('', @e) }


sub _answer {
    my ($self, $client, $text, @words) = @_;

    my ($name, @args) = @words;

    return ($name eq 'PING' ? '+PONG' : '+OK') . "\r\n"
        if $name =~ /^(?:PING|AUTH|ASKING)$/;
    return $self->shards() if $text eq 'CLUSTER SHARDS';
    return $self->bulk("$client->{node} 127.0.0.1:1\@2 myself,master - 0 0 1 "
        . "connected\n") if $text eq 'CLUSTER NODES';
    return ":$self->{version}\r\n" if $text =~ /^FCALL pimap_version/;
    return $self->bulk('') if $text =~ /^FCALL_RO pimap_last/;
    return "*0\r\n" if $name =~ /^(?:XRANGE|HGETALL)$/;
    return $self->_channel($client, lc($name), @args)
        if $name =~ /^S(?:UN)?SUBSCRIBE$/;
    return $self->_publish($client->{node}, @args) if $name eq 'SPUBLISH';
    return $self->list($self->bulk('1-1'), $self->_publish($client->{node},
        @args[2, 3]), ":0\r\n") if $text =~ /^FCALL pimap_post/;

    return "-ERR unknown\r\n";
}


sub _channel {
    my ($self, $client, $name, @channels) = @_;

    my $of = $client->{channels};
    my $answer = '';

    for my $channel (@channels) {
        $name eq 'ssubscribe' ? $of->{$channel} = 1 : delete $of->{$channel};
        $answer .= $self->list($self->bulk($name), $self->bulk($channel),
            ':' . keys(%$of) . "\r\n");
    }

    return $answer;
}


sub _publish {
    my ($self, $node, $channel, $payload) = @_;

    my @to = grep { $_->{node} == $node && $_->{channels}{$channel} }
        values(%{ $self->{clients} });

    syswrite($_->{fh}, $self->list(map { $self->bulk($_) } 'smessage',
        $channel, $payload)) for @to;

    return ':' . @to . "\r\n";
}


# CLUSTER SHARDS of these slots, or of all; host => the endpoint of each node,
# health => of each.

sub shards {
    my ($self, $slots, %set) = @_;

    $slots //= $self->{now}{slots};

    return $self->list(map { $self->shard([map { @$_ } @{ $slots->{$_} }],
        { endpoint => $set{host} // '127.0.0.1', role => 'master',
            port => $self->number($_), health => $set{health} // 'online' })
    } sort(keys(%$slots)));
}


# The first and last slots, and its nodes.

sub shard {
    my ($self, $slots, @nodes) = @_;

    return $self->list($self->bulk('slots'), $self->list(map { ":$_\r\n" }
        @$slots), $self->bulk('nodes'), $self->list(map { $self->_of($_) }
        @nodes));
}


sub _of {
    my ($self, $node) = @_;

    return $self->list(map { /^\d+$/ ? ":$_\r\n" : $self->bulk($_) }
        %$node);
}


1;
