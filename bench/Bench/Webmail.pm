package Bench::Webmail;

# A user's open page of Roundcube, driven as a browser drives it: the login,
# then the requests that the page makes by its timers and on events.

use strict;
use warnings;

use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;

my $json = JSON::PP->new()->utf8();


# port => of the server; user => its name; push => 1: with the plugin;
# refresh, lifetime => seconds, as in Roundcube's settings; poll => those of a
# parked page

sub new {
    my ($class, %set) = @_;

    return bless({ %set, url => "http://127.0.0.1:$set{port}/",
        http => HTTP::Tiny->new(timeout => 60, keep_alive => 0,
            max_redirect => 0, cookie_jar => Bench::Webmail::Jar->new()) },
        $class);
}


# The requests of a login and of the page of mail that follows.

sub login {
    my ($self) = @_;

    my ($token) = $self->get('')->{content}
        =~ /name="_token" value="(\w+)"/ or die "no page of login\n";

    $self->{http}->post_form("$self->{url}?_task=login", [_token => $token,
        _task => 'login', _action => 'login', _timezone => 'UTC',
        _user => $self->{user}, _pass => 'secret'])->{status} == 302
        or die "$self->{user} can't log in\n";

    ($self->{token}) = $self->get('?_task=mail')->{content}
        =~ /"request_token":"(\w+)"/ or die "no page of mail\n";

    $self->get("?_task=mail&_action=$_&_mbox=INBOX&_remote=1&_unlock=0")
        for qw(list getunread);

    $self->_park() if $self->{push};
}


sub get { $_[0]{http}->get($_[0]{url} . $_[1], { headers => $_[0]->_head() }) }


sub _head {
    my ($self) = @_;

    return $self->{token} ? { 'X-Roundcube-Request' => $self->{token} } : {};
}


sub _post {
    my ($self, $action, @form) = @_;

    return $self->{http}->post_form("$self->{url}?_task=mail"
        . "&_action=$action", [_remote => 1, @form],
        { headers => $self->_head() });
}


# As pimap.js: a ticket, a parked device, and one refresh.

sub _park {
    my ($self) = @_;

    my $got = $json->decode($self->_post('plugin.pimap')->{content});
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}) or die "$!\n";

    $socket->print("GET /pimap/events?device=$self->{user}&format=ndjson"
        . "&ticket=$got->{ticket} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    $self->{socket} = $socket;
    $self->refresh('{"INBOX":{"list":true}}');
}


# As Roundcube's refresh(), with what pimap.js adds to it.

sub refresh {
    my ($self, $asked) = @_;

    my $answer = $self->_post('refresh', _mbox => 'INBOX', _folderlist => 1,
        _quota => 1, _list => 1, _uids => '', _last => time(),
        $asked ? (_pimap => $asked) : ());

    die "$self->{user}: $answer->{content}\n"
        if $answer->{content} !~ /"action":"refresh"/;
}


sub keep_alive {
    my ($self) = @_;

    my $answer = $self->get('?_task=mail&_action=keep-alive&_remote=1'
        . '&_unlock=0');

    die "$self->{user}: $answer->{content}\n"
        if $answer->{content} !~ /"action":"keep-alive"/;
}


# The page was loaded a random time ago, so that the requests of all pages are
# spread.  Each request begins the interval of keep-alive anew.

sub settle {
    my ($self, $now) = @_;

    my $alive = $self->_alive();
    my $refresh = $self->_interval();
    my $ago = rand($refresh);
    my $quiet = $ago - $alive * int($ago / $alive);

    $self->{next} = { refresh => $now + $refresh - $ago,
        keep_alive => $now + $alive - $quiet };
}


sub _alive {
    my ($lifetime) = 60 * $_[0]{lifetime};
    return ($lifetime < 1800 ? $lifetime : 1800) / 2;
}


sub _interval { $_[0]{push} ? $_[0]{poll} : $_[0]{refresh} }


# Makes the requests that are due.

sub turn {
    my ($self, $now) = @_;

    my $next = $self->{next};

    if ($self->_new_mail()) {
        $self->refresh('{"INBOX":{"list":true}}');

    } elsif ($now >= $next->{refresh}) {
        $self->refresh();
        $next->{refresh} += $self->_interval();

    } elsif ($now >= $next->{keep_alive}) {
        $self->keep_alive();

    } else {
        return;
    }

    $next->{keep_alive} = $now + $self->_alive();
}


# Whether an event has come.  A device that has left is an error.

sub _new_mail {
    my ($self) = @_;

    my $socket = $self->{socket} or return;
    my $new;

    $socket->blocking(0);

    while (1) {
        my $n = sysread($socket, my $text, 65536) // last;

        die "$self->{user} is not parked any more\n" if $n == 0;
        $new ||= $text =~ /"event":"MessageNew"/;
    }

    return $new;
}


package Bench::Webmail::Jar;

# The cookies of one site, for HTTP::Tiny.

sub new { bless({}, $_[0]) }

sub add {
    my ($self, undef, $cookie) = @_;
    $self->{$1} = $2 if $cookie =~ /^([^=]+)=([^;]*)/;
}

sub cookie_header {
    my ($self) = @_;
    return join('; ', map { "$_=$self->{$_}" } sort(keys(%$self)));
}


1;
