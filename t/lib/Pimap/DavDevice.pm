package Pimap::DavDevice;

# A device with all servers: it logs in to nginx, which asks the bridge.  The
# bridge checks the login with Dovecot, watches the user's contacts and
# calendars, and executes the updates that the device sends to nginx.
#
#     my $t = Pimap->new(Pimap::DavDevice->nginx());
#     my $device = Pimap::DavDevice->new(t => $t, url => $dav->url());
#     $device->start()->park() && $device->wait_watched();
#     $device->event('ContactChange')->{changed}
#     $device->update(update => 'dav.get', hrefs => [...])

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);

use Pimap::Bridge;
use Pimap::Dovecot;
use Pimap::Missing;
use Pimap::Process qw(patience);


# The configuration of its nginx.

sub nginx {
    return (http => 'pimap_presence on;', locations => '');
}


# t => the test, url => of the DAV server, dav => other settings of it, or
# servers => all that the bridge has; main, master => of Dovecot; user, and
# login => header, instead of a password

sub new {
    my ($class, %set) = @_;

    my $user = $set{user} // 'alice';

    return bless({ login => 'Basic ' . encode_base64("$user:secret", ''),
        user => $user, main => '', ids => 0, passed => [],
        dav => 'poll_min = "100ms"; poll_max = "100ms"; content = 8192;',
        %set }, $class);
}


# A device of another user, with the same servers.

sub of {
    my ($self, $user, $login) = @_;

    return ref($self)->new(%$self{qw(t bridge dovecot)}, user => $user,
        $login ? (login => $login) : ());
}


sub bridge { $_[0]{bridge} }


sub _server {
    my ($self) = @_;

    return "mail = false; dav = { url = \"$self->{url}\"; "
        . "poke_min = \"50ms\"; $self->{dav} };";
}


# Starts the servers that do not run yet.

sub start {
    my ($self) = @_;

    my $t = $self->{t};

    $self->{dovecot} //= Pimap::Dovecot->new(t => $t, driver => 'none',
        main => $self->{main}, master => $self->{master})->start();
    $self->{bridge} //= Pimap::Bridge->new(t => $t, $self->{servers}
        ? (servers => $self->{servers}) : (server => $self->_server()));

    $t->nginx()->{locations} = $self->{bridge}->locations();
    $t->run();
    $t->wait_ready();
    $self->{bridge}->start()->wait_healthy();

    return $self;
}


sub stop {
    my ($self) = @_;

    $self->{stream}->close() if $self->{stream};
    $self->{bridge}->stop();
}


# True as soon as it is parked, query => 'types=Email', headers => { ... };
# then, as soon as the bridge has the state of its collections.

sub park {
    my ($self, %set) = @_;

    $self->{passed} = [];
    $self->{watched} = $self->_watched();
    $self->{stream} = $self->{t}->park($self->{user}, query => 'device=phone'
        . ($set{query} ? "&$set{query}" : ''), headers => { Authorization =>
        $self->{login}, %{ $set{headers} // {} } });

    return $self->{stream}->read_until(qr/: parked\n.*\n\n/);
}


sub wait_watched {
    my ($self) = @_;

    return $self->{t}->wait_for(sub {
        $self->_watched() > ($self->{watched} // 0)
    }, 'contacts are watched');
}


sub _watched {
    my ($self) = @_;

    return scalar(() = $self->bridge()->log()
        =~ /account "\Q$self->{user}\E": watching contacts/g);
}


# The next event of this name or pattern, also if it came before the result of
# an update.

sub event {
    my ($self, $name) = @_;

    while (my $event = shift(@{ $self->{passed} })
        // $self->{stream}->event())
    {
        return $event->{json} if ref($name) ? $event->{event} =~ $name
            : $event->{event} eq $name;
    }

    return Pimap::Missing->new();
}


# The next change of this object, with its entry in "changed"; "removed" is
# true if it was deleted.  Changes may come in one event or in several.

sub change {
    my ($self, $name, $href) = @_;

    my $end = time() + patience();

    while (time() < $end) {
        my $event = $self->event($name);
        my ($one) = grep { $_->{href} eq $href } @{ $event->{changed} };

        return $one if $one;
        return { removed => 1 } if grep { $_ eq $href }
            @{ $event->{removed} };
        last if !$event;
    }

    return Pimap::Missing->new();
}


# Sends an update; returns its result.

sub update {
    my ($self, %update) = @_;

    my $t = $self->{t};
    my $id = 'u' . ++$self->{ids};

    my $response = $t->update($self->{user}, [{ id => $id, %update }],
        device => 'phone', headers => { Authorization => $self->{login} });

    return { status => "HTTP $response->{status}" }
        if $response->{status} != 202 && $response->{status} != 200;

    while (my $event = $self->{stream}->event()) {
        return $event->{json} if $event->{event} eq 'UpdateResult'
            && $event->{json}{update} eq $id;
        push(@{ $self->{passed} }, $event);
    }

    return Pimap::Missing->new();
}


1;
