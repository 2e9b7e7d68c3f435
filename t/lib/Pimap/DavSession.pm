package Pimap::DavSession;

# The DAV half of the bridge for one account: t/driver/dav_driver.c runs it
# against a server, and a test sees the events it would publish.  Otherwise as
# Pimap::ImapSession.
#
#     my $s = Pimap::DavSession->new(t => $t, url => $radicale->url());
#     $s->start()->wait_ready();
#     $s->event('ContactChange')->{changed}

use strict;
use warnings;

use JSON::PP;

use parent qw(Pimap::ImapSession);


# url, and optionally path, user, secret, ca, and the options of the driver

sub new {
    my ($class, %set) = @_;

    return bless({ t => delete $set{t}, set => { user => 'alice',
        secret => 'secret', %set }, states => $set{states} // {} }, $class);
}


sub start {
    my ($self, %set) = @_;

    my $t = $self->{t};

    @{ $self->{set} }{keys %set} = values %set;
    $self->{set}{states} = $self->{states};
    @{$self}{qw(text lines all over)} = ('', [], [], 0);

    $self->{process} = $t->start(pipe => 1, input => 1,
        errors => $t->dir() . '/report.dav_driver',
        command => [$t->driver('dav_driver'),
            JSON::PP->new->canonical->encode($self->{set})]);

    return $self;
}


sub poke {
    my ($self) = @_;
    $self->{process}->type("{\"update\":\"poke\"}\n");
}


# The state of a device that has applied all events since the start to the
# given state: { collection => { href => etag } }.

sub apply {
    my ($self, $state) = @_;

    foreach my $e ($self->published()) {
        my $col = $e->{collection};

        if ($e->{event} =~ /(?:Calendar|AddressBook)Create$/) {
            $state->{$col} = {};

        } elsif ($e->{event} =~ /(?:Calendar|AddressBook)Delete$/) {
            delete $state->{$col};

        } elsif ($e->{event} =~ /^(?:Contact|Calendar)Change$/) {
            delete @{ $state->{$col} }{@{ $e->{removed} }};
            $state->{$col}{$_->{href}} = $_->{etag} for @{ $e->{changed} };
        }
    }

    return $state;
}


1;
