package Pimap::FakeLogin;

# An IMAP server that only knows logins.  The password of each user is
# "secret", the token "token".  Modes: "slow" delays the answers to logins
# until the mode changes, "silent" gives none, "unavailable" refuses for now,
# "close" closes the connection instead.  Notes: "connect", "login <user>",
# "token <user>", "bad <user>".

use strict;
use warnings;

use MIME::Base64 qw(decode_base64);

use parent qw(Pimap::Fake);

use constant CAPABILITY => 'CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN '
    . 'AUTH=OAUTHBEARER AUTH=XOAUTH2 IDLE';


sub new {
    my ($class, %set) = @_;
    return $class->SUPER::new(mode => '', %set);
}


sub serve {
    my ($self, $server) = @_;

    my $select = IO::Select->new($server);
    my (%text, @slow);

    local $SIG{PIPE} = 'IGNORE';

    while (1) {
        for my $fh ($select->can_read(0.05)) {
            if ($fh == $server) {
                my $client = $server->accept() // next;

                $self->note('connect');
                $select->add($client);
                syswrite($client, '* OK [' . CAPABILITY . "] hello\r\n")
                    if $self->mode() ne 'silent';
                next;
            }

            if (!sysread($fh, $text{$fh}, 65536, length($text{$fh} // ''))) {
                $select->remove($fh);
                @slow = grep { $_->[0] != $fh } @slow;
                delete $text{$fh};
                CORE::close($fh);
                next;
            }

            while ($text{$fh} =~ s/\A(.*?)\r\n//s) {
                my $answer = $self->_answer($1);

                if ($answer =~ /^\+/ || $answer !~ / login$/) {
                    syswrite($fh, "$answer\r\n");

                } else {
                    push(@slow, [$fh, $answer]);
                }
            }
        }

        my $mode = $self->mode();
        next if $mode eq 'slow' || $mode eq 'silent';

        for my $pair (splice(@slow)) {
            my ($fh, $answer) = @$pair;

            if ($mode eq 'close') {
                $select->remove($fh);
                CORE::close($fh);
                next;
            }

            $answer =~ s/^(\S+).*/$1 NO [UNAVAILABLE] not now/
                if $mode eq 'unavailable';
            syswrite($fh, "$answer\r\n");
        }
    }
}


# Those to a login end with "login".

sub _answer {
    my ($self, $line) = @_;

    my ($tag, $command) = $line =~ /^(\S+) (.*)/ or return '* BAD what?';

    if ($command =~ /^AUTHENTICATE (\S+) (\S+)/i) {
        my ($mechanism, $text) = (uc($1), decode_base64($2));
        my ($user, $secret) = $mechanism eq 'PLAIN'
            ? $text =~ /^[^\0]*\0([^\0]*)\0(.*)/s
            : $text =~ /(?:user=|,a=)([^\x01,]*).*auth=Bearer ([^\x01]*)/s;
        my $good = $mechanism eq 'PLAIN' ? 'secret' : 'token';

        if (($secret // '') eq $good) {
            $self->note(($good eq 'token' ? 'token ' : 'login ') . $user);
            return "$tag OK [" . CAPABILITY . '] login';
        }

        $self->note('bad ' . ($user // '?'));
        return "$tag NO [AUTHENTICATIONFAILED] no login";
    }

    return "* " . CAPABILITY . "\r\n$tag OK done" if $command =~ /^CAPA/i;
    return "* BYE bye\r\n$tag OK done" if $command =~ /^LOGOUT/i;
    return "$tag OK done";
}


1;
