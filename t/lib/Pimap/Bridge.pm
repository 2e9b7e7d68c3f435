package Pimap::Bridge;

# A pimap-bridge of the test's own.

use strict;
use warnings;

use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use Test::More import => [qw(diag)];

use Pimap::Missing;
use Pimap::Process qw(wait_for patience);


# t => the test; env => {...}; name => if there are several; main, redis, auth,
# watch, lease, updates => lines of those groups; imap => the server's port, if
# it is not the test's Dovecot, and server => more lines of its entry, or
# servers => text of the list

sub new {
    my ($class, %set) = @_;

    return bless({ name => 'bridge', main => '', redis => '', auth => '',
        sessions => '', lease => '', updates => '', %set }, $class);
}


sub binary {
    my ($self) = @_;

    return $ENV{PIMAP_BRIDGE} // $self->{t}->root() . '/build/'
        . ($ENV{PIMAP_ASAN} ? 'asan/' : '') . 'pimap-bridge';
}


sub file { $_[0]{t}->dir() . "/$_[0]{name}.conf" }
sub log  { $_[0]{t}->read_file($_[0]{t}->dir() . "/$_[0]{name}.log") }
sub port { $_[0]{t}->port($_[0]{name}) }
sub pid  { $_[0]{process}->pid() }


sub server {
    my ($self) = @_;

    my $port = $self->{imap} // $self->{t}->port('imap');

    return "host = \"127.0.0.1\"; port = $port; tls = \"off\"; "
        . ($self->{server} // '');
}


# The lines of a server's entry to log in as the master user of Pimap::Dovecot.

sub master {
    return 'master_user = "boss"; master_password = "boss"; '
        . 'master_separator = "*"; ';
}


# nginx's locations with its logins, as in docs/bridge.md: the directives of a
# location that needs a login, /auth, and with /events, /update and /status
# all.

sub login {
    return <<'END';
            set $pimap_name $arg_account;
            auth_request /auth;
            auth_request_set $pimap_user $upstream_http_x_pimap_account;
            pimap_account $pimap_user;
END
}


sub auth_location {
    my ($self) = @_;

    return <<"END";
        location = /auth {
            internal;
            proxy_pass http://127.0.0.1:@{[ $self->port() ]}/auth;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header X-Pimap-User \$pimap_name;
            proxy_set_header X-Real-IP \$remote_addr;
        }
END
}


sub locations {
    my ($self) = @_;

    my $login = $self->login();

    return $self->auth_location() . <<"END";
        location = /events {
$login
            pimap_events;
        }

        location = /update {
$login
            pimap_update;
        }

        location = /status {
            pimap_status;
        }
END
}


sub write_conf {
    my ($self) = @_;

    my $t = $self->{t};
    my $servers = $self->{servers} // '{ ' . $self->server() . ' }';
    my $socket = $self->{redis} =~ /\b(?:host|address)\b/ ? ''
        : 'host = "' . $t->redis()->socket() . '";';
    my $listen = $self->{main} =~ /\blisten\b/ ? ''
        : 'listen = "127.0.0.1:' . $self->port() . '";';
    my $delay = $self->{auth} =~ /\bdelay\b/ ? '' : 'delay = "300ms";';
    my $time = $self->{lease} =~ /\btime\b/ ? '' : 'time = "3s";';
    my $backoff = $self->{sessions} =~ /\bbackoff_min\b/ ? ''
        : 'backoff_min = "100ms";';

    $t->write_file($self->file(), <<"END");
log = "@{[ $t->dir() ]}/$self->{name}.log";
log_level = "info";
$listen
$self->{main}

redis = { $socket $self->{redis} };
auth = { $delay $self->{auth} };
sessions = { presence = "500ms"; $backoff $self->{sessions} };
lease = { id = "$self->{name}"; $time $self->{lease} };
updates = { $self->{updates} };

servers = ( $servers );
END

    return $self;
}


sub _env {
    my ($self) = @_;

    return (
        ASAN_OPTIONS => 'log_path=' . $self->{t}->dir() . '/report.asan',
        UBSAN_OPTIONS => 'print_stacktrace=1:log_path='
            . $self->{t}->dir() . '/report.ubsan',
        %{ $self->{env} // {} }
    );
}


sub start {
    my ($self) = @_;

    my $t = $self->{t};

    $self->write_conf() if !$self->{kept};

    $self->{process} = $t->start(env => { $self->_env() },
        command => [$t->valgrind('--show-leak-kinds=definite,possible',
            '--errors-for-leak-kinds=definite,possible'), $self->binary(),
            '-c', $self->file()],
        output => $t->dir() . "/$self->{name}.out");

    wait_for(sub {
        $self->get('/healthz') || !$self->{process}->running()
    }) && $self->{process}->running()
        or die 'the bridge does not start: ' . $self->log()
            . $t->read_file($t->dir() . "/$self->{name}.out");

    return $self;
}


sub stop   { $_[0]{t}->stop($_[0]{process}) }
sub kill   { $_[0]{t}->stop($_[0]{process}, 'KILL') }
sub pause  { $_[0]{process}->signal('STOP') }
sub resume { $_[0]{process}->signal('CONT') }


# Writes and reloads its settings: true if they were accepted.

sub reload {
    my ($self) = @_;

    my $read = qr/the settings (were read|stay as they were)/;
    my $before = () = $self->log() =~ /$read/g;

    $self->write_conf() if !$self->{kept};
    $self->{process}->signal('HUP');

    wait_for(sub { (() = $self->log() =~ /$read/g) > $before });

    return $self->log() =~ /.*$read/s && $1 eq 'were read';
}


# Runs --check on the settings: (true if accepted, its output).

sub check {
    my ($self) = @_;

    my %env = $self->_env();

    local @ENV{keys(%env)} = values(%env);

    my ($binary, $file) = ($self->binary(), $self->file());
    my $output = qx($binary --check -c $file 2>&1);

    return ($? == 0, $output);
}


# A request of its port on a connection of its own: { status, head, body }, or
# a Pimap::Missing.

sub get {
    my ($self, $path, %headers) = @_;

    my $socket = $self->send($path, %headers) // return Pimap::Missing->new();
    my $text = '';

    local $SIG{ALRM} = sub {
        diag('the bridge does not answer');
        shutdown($socket, 2);
    };

    alarm(patience());

    while (sysread($socket, $text, 65536, length($text)) || $!{EINTR}) {
    }

    alarm(0);

    my ($head, $body) = split(/\r\n\r\n/, $text, 2);
    my ($status) = ($head // '') =~ m{^HTTP/1\.1 (\d+)}
        or return Pimap::Missing->new();

    return { status => $status, head => $head, body => $body };
}


sub send {
    my ($self, $path, %headers) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->port(), Timeout => patience()) // return;

    $path = "GET $path" if $path =~ m{^/};

    $socket->syswrite(join("\r\n", "$path HTTP/1.1", 'Host: localhost',
        'Connection: close', map({ "$_: $headers{$_}" } sort(keys(%headers))),
        '', ''));

    return $socket;
}


sub basic {
    my ($self, $user, $password) = @_;

    return (Authorization => 'Basic ' . encode_base64("$user:$password", ''));
}


# The headers of a login, as nginx sends them; the client's address may be
# undefined.

sub client {
    my ($self, $user, $password, $address) = @_;

    return ($self->basic($user, $password),
        defined $address ? ('X-Real-IP' => $address) : ());
}


# The account of such a login, or else the status.

sub auth {
    my ($self, @login) = @_;

    my $response = $self->get('/auth', $self->client(@login))
        || return 'nothing';

    return $response->{head} =~ /^X-Pimap-Account: (.*?)\r?$/m ? $1
        : $response->{status};
}


# It learns of new devices from then on, and in ten minutes of the others.

sub wait_healthy {
    my ($self) = @_;

    $self->{t}->wait_for(sub { $self->healthy() }, 'a bridge that hears');

    return $self;
}


sub healthy { ($_[0]->get('/healthz') // { status => 0 })->{status} == 200 }


# The value of a metric, by its name without prefix.

sub metric {
    my ($self, $name) = @_;

    my $page = ($self->get('/metrics') // { body => '' })->{body};

    return $page =~ /^pimap_bridge_\Q$name\E (\d+)$/m ? $1 : undef;
}


# Waits until it watches this number of accounts.

sub watches {
    my ($self, $n) = @_;

    return $self->{t}->wait_for(sub {
        ($self->metric('accounts_with_session') // -1) == $n
    }, "$n accounts watched by $self->{name}");
}


1;
